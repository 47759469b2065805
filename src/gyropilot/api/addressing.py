"""Buckets in the name of the host, `bucket.localhost`, next to those in the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gyropilot.api.wire import WireRequest

BUCKET_CHARACTERS_MIN = 3
"""No bucket's name is shorter; what is, as in `s3.localhost`, is part of the server's own name."""


def move_bucket_into_path(request: WireRequest, domains: Sequence[str]) -> WireRequest:
    """Return an S3 request with its bucket in the path, where it is looked for; signatures are checked before.

    Args:
        request: the request as it was signed.
        domains: the server's own names, in lower case; what stands before one of them is a bucket.
    """
    bucket = find_bucket(request.header("host"), domains)
    return replace(request, path=f"/{bucket}{request.path}") if bucket else request


def find_bucket(host: str, domains: Sequence[str]) -> str:
    """Return the bucket that a host's name begins with; empty: none."""
    name = host.partition(":")[0].lower().rstrip(".")
    if name in domains:
        return ""
    found = [name.removesuffix(f".{domain}") for domain in domains if name.endswith(f".{domain}")]
    bucket = min(found, key=len, default="")
    return bucket if len(bucket) >= BUCKET_CHARACTERS_MIN else ""


def remove_bucket(host: str, domains: Sequence[str]) -> str:
    """Return a host's name, and port, without the bucket that it may begin with."""
    bucket = find_bucket(host, domains)
    return host[len(bucket) + 1 :] if bucket else host
