"""Signature Version 4 computed anew, with botocore's own signers, from what a request claims."""

from __future__ import annotations

import hashlib
import hmac
import io
from dataclasses import dataclass, replace
from typing import BinaryIO, cast
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from gyropilot.api.checksums import PIECE_BYTES
from gyropilot.api.errors import ApiError, auth_error
from gyropilot.api.protocols.rest import parse_query
from gyropilot.api.wire import WireRequest

TIMESTAMP = "%Y%m%dT%H%M%SZ"
ALGORITHM = "AWS4-HMAC-SHA256"
SIGNATURE_FIELD = "X-Amz-Signature"
SAFE = "-_.~"


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


class _GivenParts(SigV4Auth):
    """Signs exactly the headers that the client signed, and a body that is known by its hash alone."""

    payload_hash = ""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers

    def payload(self, request: AWSRequest) -> str:  # noqa: ARG002  # botocore's signature
        return self.payload_hash


class _PlainSigner(_GivenParts):
    """For every service but S3."""


class _S3Signer(_GivenParts, S3SigV4Auth):
    """For S3, whose paths are not normalised."""


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
    make = _S3Signer if service == "s3" else _PlainSigner
    signer = make(Credentials(claim.key, secret), claim.service, claim.region)
    signer.payload_hash = payload
    signed = AWSRequest(method=request.method, url=f"http://host{request.path}?{_canonical_query(request.query)}")
    for name in claim.headers:
        signed.headers[name] = request.header(name)
    signed.context["timestamp"] = claim.timestamp
    text = signer.string_to_sign(signed, signer.canonical_request(signed))
    if not hmac.compare_digest(str(signer.signature(text, signed)), claim.signature):
        raise auth_error("wrong_signature", service)


def derive_signing_key(claim: Claim, secret: str) -> bytes:
    """Return the key of the claim's day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
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
        if size and not piece and not hmac.compare_digest(self._digest.hexdigest(), self._expected):
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
    """Return all that was signed of a query string: everything but the signature itself."""
    pairs = [(name, value) for name, values in parse_query(query).items() for value in values]
    return "&".join(
        f"{quote(name, safe=SAFE)}={quote(value, safe=SAFE)}" for name, value in pairs if name != SIGNATURE_FIELD
    )
