"""Signature Version 4 computed anew from what a request claims."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO, cast
from urllib.parse import quote

from botocore.utils import normalize_url_path

from gyropilot.api.checksums import PIECE_BYTES
from gyropilot.api.errors import ApiError, auth_error
from gyropilot.api.protocols.rest import parse_query
from gyropilot.api.wire import WireRequest

TIMESTAMP = "%Y%m%dT%H%M%SZ"
ALGORITHM = "AWS4-HMAC-SHA256"
SIGNATURE_FIELD = "X-Amz-Signature"
SAFE = "-_.~"

_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a request says about its own signature, in the Authorization header or in the query string."""

    key: str
    """The access key's id."""
    date: str
    """The day of the signing key: eight digits."""
    region: str
    """The region of the scope."""
    service: str
    """The service of the scope, by the name that it signs with."""
    headers: tuple[str, ...]
    """Names of the headers that were signed, in lower case."""
    signature: str
    """64 hexadecimal digits."""
    timestamp: str
    """When it was signed, as it was written."""

    @property
    def scope(self) -> str:
        """The credential's scope without the access key."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_moment(timestamp: str) -> datetime:
    """Return the moment that a timestamp of a signature states.

    Raises:
        ValueError: when it is not of their form.
    """
    if not _TIMESTAMP.fullmatch(timestamp):
        raise ValueError(timestamp)
    return datetime.fromisoformat(timestamp)


def check_signed_headers(claim: Claim, request: WireRequest, service: str) -> None:
    """Refuse a request whose meaning could be changed by headers that nobody signed.

    Raises:
        ApiError: when a header of meaning was not signed, or a signed one is not there.
    """
    meaningful = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    if not meaningful <= set(claim.headers) or not set(claim.headers) <= request.headers.keys():
        raise auth_error("unsigned_headers", service)


def check_signature(claim: Claim, request: WireRequest, *, secret: str, service: str, payload: str) -> None:
    """Compare the claimed signature with the one that the secret gives, in constant time.

    Raises:
        ApiError: when they differ.
    """
    expected = sign(claim, request, secret=secret, service=service, payload=payload)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise auth_error("wrong_signature", service)


def sign(claim: Claim, request: WireRequest, *, secret: str, service: str, payload: str) -> str:
    """Return the signature that a secret gives a request."""
    canonical = _write_canonical_request(claim, request, service, payload)
    text = "\n".join([ALGORITHM, claim.timestamp, claim.scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.digest(derive_signing_key(claim.scope, secret), text.encode(), "sha256").hex()


def _write_canonical_request(claim: Claim, request: WireRequest, service: str, payload: str) -> str:
    """Return what was signed of a request; paths of S3 are not normalised."""
    path = request.path if service == "s3" else quote(normalize_url_path(request.path), safe="/~")
    names = sorted(set(claim.headers))
    headers = [f"{name}:{' '.join(request.header(name).split())}" for name in names]
    return "\n".join([request.method, path, _canonical_query(request.query), *headers, "", ";".join(names), payload])


@lru_cache(maxsize=256)
def derive_signing_key(scope: str, secret: str) -> bytes:
    """Return the key of a day, a region and a service; made once, since a client's requests share it."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class HashedBody(io.RawIOBase):
    """A body that must have the hash that was signed: its end, which nobody sees before all is read, refuses others."""

    def __init__(self, body: BinaryIO, expected: str) -> None:
        self._body = body
        self._digest = hashlib.sha256()
        self._expected = expected

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, fewer than asked for perhaps; nothing at the end.

        Raises:
            ApiError: at the end, when the hash is another.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        piece = self._body.read(size) if size else b""
        self._digest.update(piece)
        if size and not piece and not hmac.compare_digest(self._digest.hexdigest().encode(), self._expected.encode()):
            raise ApiError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        return piece


def expect_hash(request: WireRequest, expected: str) -> WireRequest:
    """Return an S3 request whose body is compared, while it is read, with the hash that was signed."""
    return replace(request, body=cast("BinaryIO", HashedBody(request.body, expected)))


def hash_body(request: WireRequest) -> str:
    """Return the SHA-256 of a body in hexadecimal digits."""
    digest = hashlib.sha256()
    request.body.seek(0)
    while piece := request.body.read(PIECE_BYTES):
        digest.update(piece)
    request.body.seek(0)
    return digest.hexdigest()


def _canonical_query(query: str) -> str:
    """Return all that was signed of a query string, in its order: everything but the signature itself."""
    pairs = [(name, value) for name, values in parse_query(query).items() for value in values]
    written = [(quote(name, safe=SAFE), quote(value, safe=SAFE)) for name, value in pairs if name != SIGNATURE_FIELD]
    return "&".join(f"{name}={value}" for name, value in sorted(written))
