"""Presigned S3 requests: the signature, and how long it holds, stand in the query string.

Two forms are served: Signature Version 4, and Version 2, which boto3 still makes for the older regions unless a client
is configured with `signature_version="s3v4"`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import HmacV1Auth
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from gyropilot.api.checksums import HEADER_PREFIX
from gyropilot.api.errors import ApiError, auth_error
from gyropilot.api.protocols.rest import parse_query
from gyropilot.api.signing import (
    ALGORITHM,
    SIGNATURE_FIELD,
    Claim,
    check_signature,
    check_signed_headers,
    expect_hash,
    read_moment,
)
from gyropilot.api.wire import WireRequest
from gyropilot.service.access import AccessKey

MAX_SECONDS = 7 * 24 * 3600
"""How long a Version 4 signature may hold."""
UNSIGNED = "UNSIGNED-PAYLOAD"

_V4_FIELDS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders")
_V2_FIELDS = ("AWSAccessKeyId", "Signature", "Expires")
_OF_THE_SIGNATURE = {
    *(name.lower() for name in (*_V4_FIELDS, SIGNATURE_FIELD)),
    "x-amz-security-token",
    "x-amz-content-sha256",
}
_CREDENTIAL = re.compile(r"(?P<key>[^/\s]+)/(?P<date>\d{8})/(?P<region>[^/\s]+)/(?P<service>[^/\s]+)/aws4_request")

FindKey = Callable[[str], AccessKey | None]


def is_presigned(request: WireRequest) -> bool:
    """Tell whether a request says that its query string is its signature."""
    return bool({"X-Amz-Algorithm", SIGNATURE_FIELD, "Signature"} & parse_query(request.query).keys())


def signs_bucket_in_path(request: WireRequest) -> bool:
    """Tell whether a request is presigned in Version 2, which signs the bucket in the path wherever it is sent."""
    return is_presigned(request) and "AWSAccessKeyId" in parse_query(request.query)


def find_presigned_service(request: WireRequest) -> str:
    """Return the name that a presigned request signs with; empty: it is not presigned in Version 4."""
    found = _CREDENTIAL.fullmatch(_read_fields(request).get("X-Amz-Credential", ""))
    return found["service"] if found else ""


def authenticate_presigned(
    request: WireRequest, service: str, find_key: FindKey, now: datetime, max_skew: timedelta
) -> tuple[WireRequest, AccessKey]:
    """Return a presigned request, headers that travelled in its query string among its headers, and its key.

    Raises:
        ApiError: when it is not for S3, incomplete, not valid yet or no longer, or wrongly signed.
    """
    if service != "s3":
        raise auth_error("presigned", service)
    if request.header("authorization"):
        raise ApiError(
            "InvalidArgument", "Only one way to sign is allowed: the Authorization header or the query string."
        )
    fields = _read_fields(request)
    if "X-Amz-Algorithm" in fields or SIGNATURE_FIELD in fields:
        key = _check_version_4(request, fields, find_key, now, max_skew)
        if (payload := _read_payload(request, fields)) != UNSIGNED:
            request = expect_hash(request, payload)
    else:
        key = _check_version_2(request, fields, find_key, now)
    return _hoist(request, fields), key


def _read_fields(request: WireRequest) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_query(request.query).items()}


def _known(find_key: FindKey, access_key_id: str) -> AccessKey:
    key = find_key(access_key_id)
    if key is None:
        raise auth_error("unknown_key", "s3")
    return key


# --- Version 4 --------------------------------------------------------------------------------------------------------


def _check_version_4(
    request: WireRequest, fields: Mapping[str, str], find_key: FindKey, now: datetime, max_skew: timedelta
) -> AccessKey:
    claim = _read_claim(fields)
    _check_times(claim, fields["X-Amz-Expires"], now, max_skew)
    check_signed_headers(claim, request, "s3")
    key = _known(find_key, claim.key)
    payload = _read_payload(request, fields)
    check_signature(claim, request, secret=key.secret_access_key, service="s3", payload=payload)
    return key


def _read_claim(fields: Mapping[str, str]) -> Claim:
    missing = [name for name in (*_V4_FIELDS, SIGNATURE_FIELD) if not fields.get(name)]
    if missing:
        raise _malformed(f"Query-string authentication version 4 requires {', '.join(missing)}.")
    if fields["X-Amz-Algorithm"] != ALGORITHM:
        raise _malformed(f'X-Amz-Algorithm only supports "{ALGORITHM}".')
    scope = _CREDENTIAL.fullmatch(fields["X-Amz-Credential"])
    if scope is None or scope["date"] != fields["X-Amz-Date"][:8]:
        raise _malformed(
            'X-Amz-Credential must be "<key>/<date>/<region>/s3/aws4_request", of the day that X-Amz-Date states.'
        )
    return Claim(
        key=scope["key"],
        date=scope["date"],
        region=scope["region"],
        service=scope["service"],
        headers=tuple(fields["X-Amz-SignedHeaders"].split(";")),
        signature=fields[SIGNATURE_FIELD],
        timestamp=fields["X-Amz-Date"],
    )


def _check_times(claim: Claim, expires: str, now: datetime, max_skew: timedelta) -> None:
    if not (expires.isascii() and expires.isdecimal() and len(expires) <= 9 and 1 <= int(expires) <= MAX_SECONDS):
        raise _malformed(f"X-Amz-Expires must be a number of seconds from 1 to {MAX_SECONDS}, not {expires[:20]!r}.")
    try:
        signed_at = read_moment(claim.timestamp)
    except ValueError:
        raise _malformed('X-Amz-Date must be in the form "yyyyMMddTHHmmssZ".') from None
    if signed_at > now + max_skew:
        raise ApiError("AccessDenied", "Request is not valid yet", 403, {"ServerTime": _word(now)})
    _check_not_expired(signed_at + timedelta(seconds=int(expires)), now, {"X-Amz-Expires": expires})


def _read_payload(request: WireRequest, fields: Mapping[str, str]) -> str:
    """Return the body's hash as it was signed."""
    declared = request.header("x-amz-content-sha256") or fields.get("X-Amz-Content-Sha256", "") or UNSIGNED
    if declared.startswith("STREAMING-"):
        raise ApiError("NotImplemented", "Gyropilot does not read chunked bodies of presigned requests.", 501)
    return declared


# --- Version 2 --------------------------------------------------------------------------------------------------------


class _V2Signer(HmacV1Auth):
    """Signs with the moment of expiry in the place of the date."""

    expires = ""

    def _get_date(self) -> str:
        return self.expires


def _check_version_2(request: WireRequest, fields: Mapping[str, str], find_key: FindKey, now: datetime) -> AccessKey:
    missing = [name for name in _V2_FIELDS if not fields.get(name)]
    expires = fields.get("Expires", "")
    if missing or not (expires.isascii() and expires.isdecimal() and len(expires) <= 11):
        names = ", ".join(_V2_FIELDS)
        raise ApiError("AccessDenied", f"Query-string authentication requires {names}; Expires in seconds.", 403)
    _check_not_expired(datetime.fromtimestamp(int(expires), UTC), now, {})
    key = _known(find_key, fields["AWSAccessKeyId"])
    signer = _V2Signer(Credentials(key.access_key_id, key.secret_access_key))
    signer.expires = expires
    url = urlsplit(f"http://host{request.path}?{request.query}")
    headers: Any = _headers_of_version_2(request, fields)  # typed as a mapping, which lacks what botocore calls
    expected = signer.get_signature(request.method, url, headers)
    if not hmac.compare_digest(expected.encode(), fields["Signature"].encode()):
        raise auth_error("wrong_signature", "s3")
    return key


def _headers_of_version_2(request: WireRequest, fields: Mapping[str, str]) -> HTTPHeaders:
    """Return what is signed of headers: those of S3 and three of HTTP, wherever they travel."""
    given = {**{name.lower(): value for name, value in fields.items()}, **request.headers}
    headers = HTTPHeaders()
    for name, value in given.items():
        if name.startswith("x-amz-") or name in ("content-type", "content-md5"):
            headers[name] = value
    return headers


# --- both -------------------------------------------------------------------------------------------------------------


def _check_not_expired(ends_at: datetime, now: datetime, members: Mapping[str, str]) -> None:
    if now > ends_at:
        times = {**members, "Expires": _word(ends_at), "ServerTime": _word(now)}
        raise ApiError("AccessDenied", "Request has expired", 403, times)


def _hoist(request: WireRequest, fields: Mapping[str, str]) -> WireRequest:
    """Make headers of what clients put into the query string in their place.

    Checksums stay there: they are made when nobody knows the body yet, and S3 checks only those that come as headers.
    """
    found = {
        name.lower(): value
        for name, value in fields.items()
        if name.lower().startswith("x-amz-")
        and name.lower() not in _OF_THE_SIGNATURE
        and not name.lower().startswith((HEADER_PREFIX, "x-amz-sdk-"))
    }
    return replace(request, headers={**found, **request.headers})


def _malformed(message: str) -> ApiError:
    return ApiError("AuthorizationQueryParametersError", message)


def _word(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
