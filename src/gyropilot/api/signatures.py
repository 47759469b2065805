"""Every request of every service is signed: by its Authorization header or, for S3, by its query string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from gyropilot.api.anonymous import check_local
from gyropilot.api.chunks import ChunkSigner, decode_chunks
from gyropilot.api.errors import ApiError, auth_error
from gyropilot.api.presigned import authenticate_presigned, is_presigned
from gyropilot.api.signing import (
    ALGORITHM,
    TIMESTAMP,
    Claim,
    check_signature,
    check_signed_headers,
    derive_signing_key,
    expect_hash,
    hash_body,
    read_moment,
)
from gyropilot.api.wire import WireRequest
from gyropilot.service.access import ANONYMOUS, AccessKey, Caller

MAX_SKEW = timedelta(minutes=15)
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

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return an access key, or None for one that is not known or was revoked."""
        ...


@dataclass(frozen=True, kw_only=True)
class Authenticated:
    """A request whose sender is known."""

    request: WireRequest
    """The request; a body that came in chunks is decoded, and found right, while it is read."""
    caller: Caller
    """Who sent it."""


def authenticate(
    request: WireRequest, service: str, credentials: CredentialStore, now: datetime, *, allows_anonymous: bool = False
) -> Authenticated:
    """Return who sent a request once its signature, its time and its body's hash are found right.

    Args:
        request: the request as it came.
        service: the service that it is for, by botocore's name.
        credentials: the access keys.
        now: the time.
        allows_anonymous: whether a request without any signature is let in.

    Raises:
        ApiError: when anything is missing or wrong, with the code that AWS gives for the service's protocol.
    """
    if is_presigned(request):
        presigned, key = authenticate_presigned(request, service, credentials.find, now, MAX_SKEW)
        return Authenticated(request=presigned, caller=key.caller)
    if allows_anonymous and not request.header("authorization"):
        check_local(request, service)
        return Authenticated(request=_accept_unsigned(request), caller=ANONYMOUS)
    claim = _read_claim(request, service)
    _check_time(claim, service, now)
    check_signed_headers(claim, request, service)
    found = credentials.find(claim.key)
    if found is None:
        raise auth_error("unknown_key", service)
    payload = _declared_payload(request, service)
    check_signature(claim, request, secret=found.secret_access_key, service=service, payload=payload)
    return Authenticated(
        request=_open_payload(request, service, claim, found.secret_access_key, payload), caller=found.caller
    )


def _read_claim(request: WireRequest, service: str) -> Claim:
    header = request.header("authorization")
    if not header:
        if service == "s3" and request.header("content-type").startswith("multipart/form-data"):
            raise auth_error("form", service)
        raise auth_error("missing", service)
    if not header.startswith(ALGORITHM):
        raise auth_error("other_scheme", service)
    found = _AUTHORIZATION.fullmatch(header.strip())
    timestamp = _read_timestamp(request)
    if found is None or timestamp[:8] != found["date"]:
        raise auth_error("malformed", service)
    return Claim(
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


def _check_time(claim: Claim, service: str, now: datetime) -> None:
    try:
        moment = read_moment(claim.timestamp)
    except ValueError:
        raise auth_error("malformed", service) from None
    if abs(now - moment) > MAX_SKEW:
        raise auth_error("skewed", service)


def _declared_payload(request: WireRequest, service: str) -> str:
    declared = request.header("x-amz-content-sha256")
    if service != "s3":
        actual = hash_body(request)
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


def _accept_unsigned(request: WireRequest) -> WireRequest:
    if request.header("x-amz-content-sha256") == UNSIGNED_CHUNKS:
        return decode_chunks(request, signer=None, seed_signature="")
    return request


def _open_payload(request: WireRequest, service: str, claim: Claim, secret: str, payload: str) -> WireRequest:
    if payload == UNSIGNED_CHUNKS:
        return decode_chunks(request, signer=None, seed_signature="")
    if payload in SIGNED_CHUNKS:
        signer = ChunkSigner(key=derive_signing_key(claim.scope, secret), timestamp=claim.timestamp, scope=claim.scope)
        return decode_chunks(request, signer=signer, seed_signature=claim.signature)
    return expect_hash(request, payload) if service == "s3" and payload != UNSIGNED else request
