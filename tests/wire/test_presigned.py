"""Requests whose signature stands in their address, made by boto3 and sent by whoever has the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from botocore.exceptions import ClientError

from gyropilot.api.errors import ApiError
from gyropilot.api.signatures import authenticate
from tests.wire.installation import KEY, Installation, OneKey
from tests.wire.test_signatures import make

VERSIONS = ["s3v4", "s3"]
"""What clients may be configured with: Signature Version 4 and, what boto3 does unless told, Version 2."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        found = re.search(rb"<Code>(.*)</Code>", self.body)
        return found.group(1).decode() if found else ""


def send(method: str, url: str, body: bytes = b"", **headers: str) -> Reply:
    with urllib3.PoolManager() as pool:
        answer = pool.request(method, url, body=body or None, headers=headers, retries=False)
        return Reply(answer.status, answer.data, answer.headers)


def presign(installation: Installation, operation: str, version: str = "s3v4", seconds: int = 60, **params: Any) -> str:
    client = installation.client("s3", signature_version=version)
    url: str = client.generate_presigned_url(operation, Params={"Bucket": "presigned", **params}, ExpiresIn=seconds)
    return url


@pytest.fixture(autouse=True, scope="module")
def _bucket(installation: Installation) -> None:
    installation.client("s3").create_bucket(Bucket="presigned")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["plain", "a b+c&d=e/ü//x", "..%2F"])
def test_an_object_comes_and_goes(installation: Installation, version: str, key: str) -> None:
    assert send("PUT", presign(installation, "put_object", version, Key=key), b"content").status == 200
    assert send("GET", presign(installation, "get_object", version, Key=key)).body == b"content"
    head = send("HEAD", presign(installation, "head_object", version, Key=key))
    assert (head.status, head.headers["content-length"]) == (200, "7")
    assert send("DELETE", presign(installation, "delete_object", version, Key=key)).status == 204
    gone = send("GET", presign(installation, "get_object", version, Key=key))
    assert (gone.status, gone.code) == (404, "NoSuchKey")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_part_of_an_object_can_be_asked_for(installation: Installation, version: str) -> None:
    installation.client("s3").put_object(Bucket="presigned", Key="part", Body=b"0123456789")
    answer = send("GET", presign(installation, "get_object", version, Key="part"), Range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"234")


@pytest.mark.parametrize("version", VERSIONS)
def test_headers_that_were_signed_must_be_sent(installation: Installation, version: str) -> None:
    url = presign(
        installation, "put_object", version, Key="meta", ContentType="text/csv", Metadata={"made-by": "a test"}
    )
    headers = {"content-type": "text/csv", "x-amz-meta-made-by": "a test"}
    assert send("PUT", url, b"x", **headers).status == 200
    found = installation.client("s3").head_object(Bucket="presigned", Key="meta")
    assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"made-by": "a test"})
    assert send("PUT", url, b"x", **{**headers, "x-amz-meta-made-by": "another"}).status == 403
    assert send("PUT", url, b"x", **{**headers, "content-type": "text/html"}).status == 403


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_else_may_be_done_with_an_address(installation: Installation, version: str) -> None:
    installation.client("s3").put_object(Bucket="presigned", Key="mine", Body=b"x")
    url = presign(installation, "get_object", version, Key="mine")
    assert send("DELETE", url).code == "SignatureDoesNotMatch"
    assert send("GET", url.replace("/mine", "/other")).code == "SignatureDoesNotMatch"
    assert send("GET", url + "&partNumber=1").code == "SignatureDoesNotMatch"
    assert send("GET", re.sub(r"(Expires=\d)", r"\g<1>9", url)).code in {
        "SignatureDoesNotMatch",
        "AuthorizationQueryParametersError",
    }
    assert send("GET", url, b"", **{"x-amz-request-payer": "requester"}).code in {
        "AccessDenied",
        "SignatureDoesNotMatch",
    }
    assert send("GET", url, authorization="AWS4-HMAC-SHA256 Credential=x").code == "InvalidArgument"
    assert send("GET", url).status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_key_is_told(installation: Installation, version: str) -> None:
    url = presign(installation, "get_object", version, Key="k").replace(KEY, "AKIAUNKNOWNUNKNOWN00")
    answer = send("GET", url)
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def refuse(url: str, at: datetime, method: str = "GET") -> ApiError | None:
    """Return the refusal of an address at a moment."""
    host, _, rest = url.removeprefix("http://").partition("/")
    path, _, query = rest.partition("?")
    try:
        authenticate(make(method=method, path=f"/{path}", query=query, headers={"host": host}), "s3", OneKey(), at)
    except ApiError as error:
        return error
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_address_holds_until_it_expires(installation: Installation, version: str) -> None:
    url = presign(installation, "get_object", version, seconds=3600, Key="k")
    now = datetime.now(UTC)
    assert refuse(url, now) is None
    assert refuse(url, now + timedelta(minutes=59)) is None
    late = refuse(url, now + timedelta(minutes=61))
    assert late is not None
    assert (late.error.code, late.error.status, str(late)) == ("AccessDenied", 403, "Request has expired")
    assert {"Expires", "ServerTime"} <= late.error.members.keys()


def test_clocks_may_differ_by_a_quarter_of_an_hour(installation: Installation) -> None:
    url = presign(installation, "get_object", Key="k")
    now = datetime.now(UTC)
    assert refuse(url, now - timedelta(minutes=14)) is None
    early = refuse(url, now - timedelta(minutes=16))
    assert early is not None
    assert (early.error.code, str(early)) == ("AccessDenied", "Request is not valid yet")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA1"),
        ("X-Amz-Credential", "AKIA/us-east-1"),
        ("X-Amz-Credential", f"{KEY}/20200101/us-east-1/s3/aws4_request"),
        ("X-Amz-Date", "yesterday"),
        ("X-Amz-Date", ""),
        ("X-Amz-Expires", "0"),
        ("X-Amz-Expires", "-1"),
        ("X-Amz-Expires", "604801"),
        ("X-Amz-Expires", "soon"),
        ("X-Amz-Expires", "9" * 5000),
        ("X-Amz-SignedHeaders", ""),
        ("X-Amz-Signature", ""),
    ],
)
def test_fields_of_a_signature_are_checked(installation: Installation, field: str, value: str) -> None:
    url = presign(installation, "get_object", Key="k")
    changed = re.sub(rf"{field}=[^&]*", f"{field}={quote(value)}", url)
    assert changed != url
    refusal = refuse(changed, datetime.now(UTC))
    assert refusal is not None
    assert (refusal.error.code, refusal.error.status) == ("AuthorizationQueryParametersError", 400)
    assert refuse(re.sub(rf"&?{field}=[^&]*", "", url), datetime.now(UTC)) is not None


@pytest.mark.parametrize("value", ["soon", "-1", "9" * 5000, ""])
def test_the_expiry_of_version_2_is_checked(installation: Installation, value: str) -> None:
    url = presign(installation, "get_object", "s3", Key="k")
    refusal = refuse(re.sub(r"Expires=\d+", f"Expires={value}", url), datetime.now(UTC))
    assert refusal is not None
    assert refusal.error.code == "AccessDenied"


def test_headers_in_the_address_count_as_sent(installation: Installation) -> None:
    """The JavaScript SDK puts them there."""
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from tests.wire.installation import SECRET

    fields = "x-amz-meta-made-by=a%20test&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"
    request = AWSRequest(method="PUT", url=f"{installation.url}/presigned/hoisted?{fields}")
    S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", "us-east-1", expires=60).add_auth(request)
    assert send("PUT", str(request.url), b"content").status == 200
    found = installation.client("s3").head_object(Bucket="presigned", Key="hoisted")
    assert found["Metadata"] == {"made-by": "a test"}


def test_only_s3_is_presigned(installation: Installation) -> None:
    with pytest.raises(ClientError) as error:
        installation.client("sts", signature_version="v4-query").get_caller_identity()
    assert "Only requests to S3 may be presigned" in error.value.response["Error"]["Message"]


@pytest.mark.parametrize("version", VERSIONS)
def test_forms_are_refused_clearly(installation: Installation, version: str) -> None:
    form = installation.client("s3", signature_version=version).generate_presigned_post("presigned", "key")
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", form["url"], fields={**form["fields"], "file": ("name", b"content")})
    assert answer.status == 501
    assert b"POST policies" in answer.data
