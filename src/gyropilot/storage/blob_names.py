"""What buckets and objects may be called, checked the same way by every blob store."""

from __future__ import annotations

import re

from gyropilot.service.errors import InvalidBlobKeyError, InvalidBucketNameError, InvalidPartError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MAX_KEY_BYTES = 1024
_PART_NUMBER_MAX = 10_000


def check_bucket_name(bucket: str) -> None:
    """Refuse what cannot be a bucket.

    Raises:
        InvalidBucketNameError: unless it is 3 to 63 of a-z, 0-9, dot and hyphen, with a letter or digit at both ends.
    """
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise InvalidBucketNameError(bucket)


def encode_key(key: str) -> bytes:
    """Return a key's UTF-8 bytes, which stores order and encode by.

    Raises:
        InvalidBlobKeyError: unless it is 1 to 1,024 bytes of UTF-8 without NUL.
    """
    encoded = encode_key_part(key)
    if not 1 <= len(encoded) <= MAX_KEY_BYTES or b"\0" in encoded:
        raise InvalidBlobKeyError(key)
    return encoded


def encode_key_part(text: str) -> bytes:
    """Return the bytes of a prefix, a delimiter or a place to start: anything but half a character.

    Raises:
        InvalidBlobKeyError: when the text has no UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidBlobKeyError(text) from None


def check_part_number(number: int) -> None:
    """Refuse what cannot be the number of a part.

    Raises:
        InvalidPartError: unless it is 1 to 10,000.
    """
    if not 1 <= number <= _PART_NUMBER_MAX:
        raise InvalidPartError(f"a part's number must be 1 to {_PART_NUMBER_MAX:,}, not {number}")
