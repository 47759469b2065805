"""Every request is signed; what is not signed, or signed wrongly, gets nowhere."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from gyropilot.api.chunks import ChunkedBody, ChunkSigner, decode_chunks
from gyropilot.api.errors import ApiError
from gyropilot.api.signatures import authenticate
from gyropilot.api.wire import WireRequest
from tests.wire.installation import KEY, SECRET, Installation, OneKey

NOW = datetime.now(UTC)
ASK = {
    "sagemaker": lambda client: client.list_models(),
    "sagemaker-runtime": lambda client: client.invoke_endpoint(EndpointName="e", Body=b"x"),
    "s3": lambda client: client.list_buckets(),
    "sts": lambda client: client.get_caller_identity(),
    "iam": lambda client: client.list_users(),
    "logs": lambda client: client.describe_log_groups(),
    "cloudwatch": lambda client: client.list_metrics(),
}


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sagemaker", "InvalidSignatureException"),
        ("sagemaker-runtime", "InvalidSignatureException"),
        ("logs", "InvalidSignatureException"),
        ("cloudwatch", "InvalidSignatureException"),
        ("s3", "SignatureDoesNotMatch"),
        ("sts", "SignatureDoesNotMatch"),
        ("iam", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused(installation: Installation, service: str, code: str) -> None:
    with pytest.raises(ClientError) as error:
        ASK[service](installation.client(service, secret="wrong"))
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("service", "code"),
    [("sagemaker", "UnrecognizedClientException"), ("s3", "InvalidAccessKeyId"), ("sts", "InvalidClientTokenId")],
)
def test_an_unknown_key_is_refused(installation: Installation, service: str, code: str) -> None:
    with pytest.raises(ClientError) as error:
        ASK[service](installation.client(service, key="AKIAUNKNOWN"))
    assert error.value.response["Error"]["Code"] == code


def make(body: bytes = b"", **changes: Any) -> WireRequest:
    request = WireRequest(
        method="GET", path="/", query="", headers={"host": "host"}, body=io.BytesIO(body), length=len(body)
    )
    return replace(request, **changes)


def sign(request: WireRequest, *, service: str = "s3", secret: str = SECRET, **headers: str) -> WireRequest:
    """Sign a request as a client does, now, with more headers."""
    url = f"http://host{request.path}" + (f"?{request.query}" if request.query else "")
    signed = AWSRequest(
        method=request.method, url=url, data=request.read_body() or None, headers={"host": "host", **headers}
    )
    make_signer = S3SigV4Auth if service == "s3" else SigV4Auth
    make_signer(Credentials(KEY, secret), service, "us-east-1").add_auth(signed)
    return replace(request, headers={name.lower(): value for name, value in signed.headers.items()})


def code_of(request: WireRequest, service: str = "s3", now: datetime | None = None) -> str:
    """Return the code of the refusal, or nothing."""
    try:
        authenticate(request, service, OneKey(), now or datetime.now(UTC)).request.body.read()
    except ApiError as error:
        return error.error.code
    return ""


@pytest.mark.parametrize("path", ["/b/plain", "/b/a%20b", "/b/%C3%BC", "/b/p%2Bq%26r", "/b/x//y", "/b/../c", "/b/%2F"])
@pytest.mark.parametrize("query", ["", "location", "list-type=2&prefix=a%20b%2B%26", "b=2&a=1&a=0"])
def test_right_signatures_are_accepted(path: str, query: str) -> None:
    assert code_of(sign(make(path=path, query=query))) == ""
    assert code_of(sign(make(b"x", path=path, query=query, method="POST"))) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/other"},
        {"query": "a=2"},
        {"headers": {"host": "elsewhere"}},
        {"headers": {"x-amz-meta-a": "2"}},
    ],
)
def test_what_was_signed_cannot_be_changed(change: dict[str, Any]) -> None:
    request = sign(make(path="/b/k", query="a=1"), **{"x-amz-meta-a": "1"})
    headers = {**request.headers, **change.pop("headers", {})}
    assert code_of(replace(request, headers=headers, **change)) == "SignatureDoesNotMatch"


def test_headers_of_meaning_must_be_signed() -> None:
    request = sign(make(path="/b/k"))
    assert code_of(replace(request, headers={**request.headers, "x-amz-copy-source": "/b/other"})) == "AccessDenied"
    assert code_of(replace(request, headers={**request.headers, "user-agent": "anything"})) == ""


def test_the_body_must_be_the_one_that_was_signed() -> None:
    request = sign(make(b"right", method="PUT", path="/b/k"))
    assert code_of(request) == ""
    assert code_of(replace(request, body=io.BytesIO(b"wrong"))) == "XAmzContentSHA256Mismatch"
    request = sign(make(b"{}", method="POST"), service="sagemaker")
    assert code_of(request, "sagemaker") == ""
    assert code_of(replace(request, body=io.BytesIO(b"[]")), "sagemaker") == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-16, 16])
@pytest.mark.parametrize(("service", "code"), [("s3", "RequestTimeTooSkewed"), ("logs", "InvalidSignatureException")])
def test_old_and_future_requests_are_refused(minutes: int, service: str, code: str) -> None:
    request = sign(make(), service=service)
    assert code_of(request, service, datetime.now(UTC) + timedelta(minutes=minutes)) == code
    assert code_of(request, service, datetime.now(UTC) + timedelta(minutes=minutes / 2)) == ""


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "AccessDenied"),
        ("AWS AKIA:c2lnbmF0dXJl", "InvalidRequest"),
        ("AWS4-HMAC-SHA256 nonsense", "AuthorizationHeaderMalformed"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request", "AuthorizationHeaderMalformed"),
    ],
)
def test_other_authorizations_are_refused(authorization: str, code: str) -> None:
    request = sign(make())
    assert code_of(replace(request, headers={**request.headers, "authorization": authorization})) == code


# --- aws-chunked bodies -----------------------------------------------------------------------------------------------

# The examples of the S3 manual's pages on signing chunked uploads: their key, request and signatures.
EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
EXAMPLE_SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)


def example_signer() -> ChunkSigner:
    import hmac

    key = f"AWS4{EXAMPLE_SECRET}".encode()
    for part in ("20130524", "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return ChunkSigner(key=key, timestamp="20130524T000000Z", scope="20130524/us-east-1/s3/aws4_request")


def example_body(first: bytes = b"a" * 65536) -> bytes:
    chunks = (first, b"a" * 1024, b"")
    return b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), signature.encode(), chunk)
        for chunk, signature in zip(chunks, EXAMPLE_SIGNATURES, strict=True)
    )


def test_signed_chunks_are_verified() -> None:
    headers = {"content-encoding": "aws-chunked,gzip", "x-amz-decoded-content-length": "66560"}
    request = make(example_body(), headers=headers)
    decoded = decode_chunks(request, signer=example_signer(), seed_signature=EXAMPLE_SEED)
    assert decoded.body.read() == b"a" * 66560
    assert (decoded.length, decoded.header("content-encoding")) == (66560, "gzip")
    for body in (example_body(b"b" * 65536), example_body()[:-90], b""):
        decoded = decode_chunks(make(body, headers=headers), signer=example_signer(), seed_signature=EXAMPLE_SEED)
        with pytest.raises(ApiError):
            decoded.body.read()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", {"x-amz-decoded-content-length": "6"}),
        (b"5\r\nhello\r\n0\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", {}),
        (b"5\r\nhello\r\n0\r\nx-amz-acl:private\r\n\r\n", {"x-amz-trailer": "x-amz-acl"}),
        (b"5\r\nhel", {}),
        (b"-5\r\nhello\r\n0\r\n\r\n", {}),
        (b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0\r\n\r\n", {}),
        (b"5\r\nhello0\r\n\r\n", {}),
    ],
)
def test_broken_chunks_are_refused(body: bytes, headers: dict[str, str]) -> None:
    decoded = decode_chunks(make(body, headers=headers), signer=None, seed_signature="")
    with pytest.raises(ApiError):
        decoded.body.read()


def test_a_trailing_checksum_is_there_at_the_end() -> None:
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    decoded = decode_chunks(
        make(body, headers={"x-amz-trailer": "x-amz-checksum-crc32"}), signer=None, seed_signature=""
    )
    assert decoded.body.read() == b"hello"
    assert isinstance(decoded.body, ChunkedBody)
    assert decoded.body.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}
