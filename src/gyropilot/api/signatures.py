"""Signature Version 4: every request of every service is signed anew with botocore's own signer and compared."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from gyropilot.api.checksums import PIECE_BYTES
from gyropilot.api.chunks import ChunkSigner, decode_chunks
from gyropilot.api.errors import ApiError, auth_error
from gyropilot.api.protocols.rest import parse_query
from gyropilot.api.wire import WireRequest

MAX_SKEW = timedelta(minutes=15)
TIMESTAMP = "%Y%m%dT%H%M%SZ"
SAFE = "-_.~"
UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = frozenset({"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"})

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+"
    r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request\s*,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class CredentialStore(Protocol):
    """Knows the access keys of this installation."""

    def secret_for(self, access_key_id: str) -> str | None:
        """Return the secret of an access key, or None for one that is not known."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """What the Authorization header states."""

    key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    timestamp: str

    @property
    def scope(self) -> str:
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


def authenticate(request: WireRequest, service: str, credentials: CredentialStore, now: datetime) -> WireRequest:
    """Return the request once its signature, its time and its body's hash are found right.

    A body in the aws-chunked encoding is decoded into another file, which the caller closes.

    Raises:
        ApiError: when anything is missing or wrong, with the code that AWS gives for the service's protocol.
    """
    claim = _read_claim(request, service)
    _check_time(claim, service, now)
    _check_signed_headers(claim, request, service)
    secret = credentials.secret_for(claim.key)
    if secret is None:
        raise auth_error("unknown_key", service)
    payload = _declared_payload(request, service)
    expected = _sign(_make_signer(claim, secret, service, payload), claim, request)
    if not hmac.compare_digest(expected, claim.signature):
        raise auth_error("wrong_signature", service)
    return _open_payload(request, claim, secret, payload)


def _read_claim(request: WireRequest, service: str) -> _Claim:
    header = request.header("authorization")
    if not header:
        if {"X-Amz-Signature", "X-Amz-Algorithm", "Signature"} & parse_query(request.query).keys():
            raise auth_error("presigned", service)
        raise auth_error("missing", service)
    if not header.startswith("AWS4-HMAC-SHA256"):
        raise auth_error("other_scheme", service)
    found = _AUTHORIZATION.fullmatch(header.strip())
    timestamp = _read_timestamp(request)
    if found is None or timestamp[:8] != found["date"]:
        raise auth_error("malformed", service)
    return _Claim(
        key=found["key"],
        date=found["date"],
        region=found["region"],
        service=found["service"],
        headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
        timestamp=timestamp,
    )


def _read_timestamp(request: WireRequest) -> str:
    if "x-amz-date" in request.headers:
        return request.header("x-amz-date")
    try:
        return parsedate_to_datetime(request.header("date")).astimezone(UTC).strftime(TIMESTAMP)
    except (ValueError, IndexError):
        return ""


def _check_time(claim: _Claim, service: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(claim.timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise auth_error("malformed", service) from None
    if abs(now - moment) > MAX_SKEW:
        raise auth_error("skewed", service)


def _check_signed_headers(claim: _Claim, request: WireRequest, service: str) -> None:
    """Refuse a request whose meaning could be changed by headers that nobody signed."""
    meaningful = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    if not meaningful <= set(claim.headers) or not set(claim.headers) <= request.headers.keys():
        raise auth_error("unsigned_headers", service)


def _declared_payload(request: WireRequest, service: str) -> str:
    declared = request.header("x-amz-content-sha256")
    if service != "s3":
        actual = _hash(request)
        if declared not in ("", actual):
            raise auth_error("wrong_signature", service)
        return actual
    if not declared:
        raise ApiError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if declared in {UNSIGNED, UNSIGNED_CHUNKS} | SIGNED_CHUNKS:
        return declared
    if declared.startswith("STREAMING-"):
        raise ApiError("NotImplemented", f"Gyropilot does not read bodies of the kind {declared} yet.", 501)
    return declared


def _make_signer(claim: _Claim, secret: str, service: str, payload: str) -> _GivenParts:
    make = _S3Signer if service == "s3" else _PlainSigner
    signer = make(Credentials(claim.key, secret), claim.service, claim.region)
    signer.payload_hash = payload
    return signer


def _sign(signer: _GivenParts, claim: _Claim, request: WireRequest) -> str:
    pairs = [(name, value) for name, values in parse_query(request.query).items() for value in values]
    query = "&".join(f"{quote(name, safe=SAFE)}={quote(value, safe=SAFE)}" for name, value in pairs)
    signed = AWSRequest(method=request.method, url=f"http://host{request.path}?{query}")
    for name in claim.headers:
        signed.headers[name] = request.header(name)
    signed.context["timestamp"] = claim.timestamp
    text = signer.string_to_sign(signed, signer.canonical_request(signed))
    return str(signer.signature(text, signed))


def _open_payload(request: WireRequest, claim: _Claim, secret: str, payload: str) -> WireRequest:
    if payload == UNSIGNED_CHUNKS:
        return decode_chunks(request, signer=None, seed_signature="")
    if payload in SIGNED_CHUNKS:
        signer = ChunkSigner(key=_signing_key(claim, secret), timestamp=claim.timestamp, scope=claim.scope)
        return decode_chunks(request, signer=signer, seed_signature=claim.signature)
    if payload != UNSIGNED and payload != _hash(request):
        raise ApiError(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    return request


def _signing_key(claim: _Claim, secret: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _hash(request: WireRequest) -> str:
    digest = hashlib.sha256()
    request.body.seek(0)
    while piece := request.body.read(PIECE_BYTES):
        digest.update(piece)
    request.body.seek(0)
    return digest.hexdigest()
