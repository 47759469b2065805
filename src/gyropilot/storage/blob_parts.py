"""The rules of completing a multipart upload, the same for every blob store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from gyropilot.service.errors import InvalidPartError


def check_parts(sent: Mapping[int, str], named: Sequence[tuple[int, str]]) -> None:
    """Compare the parts that were sent (number to ETag) with those that the object is to be made of.

    Raises:
        InvalidPartError: when none is named, one is missing, its ETag differs or the order is wrong.
    """
    if not named:
        raise InvalidPartError("an upload cannot be completed without parts")
    before = 0
    for number, etag in named:
        if number <= before:
            raise InvalidPartError(f"part {number} is named after part {before}: the order must be ascending")
        if number not in sent:
            raise InvalidPartError(f"part {number} was never sent")
        if sent[number] != etag:
            raise InvalidPartError(f"part {number} has the ETag {sent[number]}, not {etag}")
        before = number


def combine_etags(etags: Sequence[str]) -> str:
    """Return the ETag of an object made of parts: MD5 of their MD5s, a hyphen and their count."""
    digests = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"
