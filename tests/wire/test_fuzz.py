"""Whatever is sent to the services that do not speak JSON: it is served or refused in AWS's form, and nothing fails."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyropilot.api.application import Application
from gyropilot.api.models import load_service
from gyropilot.api.operations.catalogue import SERVED
from gyropilot.api.signing import Claim, sign
from gyropilot.api.wire import Stream, WireRequest, WireResponse
from gyropilot.service.service import build_service
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.headers import StoredHeaderReader
from gyropilot.storage.logs_memory import MemoryLogStore
from gyropilot.storage.records_memory import MemoryRecordStore
from tests.wire.installation import IDENTITY, KEY, SECRET, EchoModel, IdleLauncher, OneKey

FUZZ = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = NOW.strftime("%Y%m%dT%H%M%SZ")
BUCKET = "data"

ODD_TEXTS = (
    "", ".", "..", "../..", "/", "//", "/etc/passwd", "..%2f..%2fx", "%2e%2e/%2e%2e", "%", "%zz", "%00", "%ff%fe",
    "a/../../b", "\0", "a\0b", "ä", "🙂", "\ufeff", "null", "true", "-1", "0", "1", "10001", "9" * 30, "9" * 5000,
    "1e999", "NaN", "x" * 63, "x" * 1025, "x" * 9000, "<a>", "]]>", "&amp;", "*", '"', "'; DROP TABLE records",
    "bytes=0-0", "bytes=-1", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "Thu, 01 Jan 1970 00:00:00 GMT",
    "AAAA", "a=b&c=d", "s3://data/a", "data/a", "data", "a",
)  # fmt: skip
EACH_NTH = 5
"""Which of the odd texts one member is given, so that the test stays short."""
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
HEADER_TEXTS = TEXTS.map(
    lambda text: text.encode("utf-8", "replace").decode("latin-1").replace("\r", "").replace("\n", "")
)
BODIES = st.sampled_from(
    (
        b"", b"\0", b"\xff\xfe", b"<", b"<a/>", b"<a>" * 50_000, b"<a>" * 500 + b"</a>" * 500, b"{}",
        b"x=" + b"y" * 5000,
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;&b;">]><a>&d;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b"<Delete><Object><Key>../../x</Key></Object></Delete>", b"<Delete/>", b"<Delete><Object/></Delete>",
        b"<Delete><Object><Key>a</Key><ETag>b</ETag></Object><Quiet>perhaps</Quiet></Delete>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>", b"<CompleteMultipartUpload/>",
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>", b"<Tagging/>",
        b"<CreateBucketConfiguration><LocationConstraint>mars</LocationConstraint></CreateBucketConfiguration>",
        b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<?xml version='1.0' encoding='ebcdic'?><a/>",
        b"5\r\nhello\r\n0\r\n\r\n", b"ffffffff\r\n",
    )
) | st.binary(max_size=30)  # fmt: skip


class Sender:
    """Signs whatever it is given, and hands it to the application."""

    def __init__(self, root: Path) -> None:
        self.blobs = FolderBlobStore(root)
        service = build_service(
            identity=IDENTITY,
            records=MemoryRecordStore(),
            blobs=self.blobs,
            headers=StoredHeaderReader(self.blobs),
            logs=MemoryLogStore(),
            launcher=IdleLauncher(),
            client=EchoModel(),
            folder=root / "endpoints",
        )
        self._application = Application(service, OneKey(), clock=lambda: NOW, s3_domains=("localhost",))
        self.blobs.create_bucket(BUCKET)
        self.blobs.put(BUCKET, "a", io.BytesIO(b"0123456789"))

    def send(self, service: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Any:
        """Send a request that is rightly signed, and return its answer."""
        given = {"host": "localhost", **headers, "x-amz-date": STAMP}
        given |= {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"} if service == "s3" else {}
        request = WireRequest(
            method=method, path=path, query=query, headers=given, body=io.BytesIO(body), length=len(body)
        )
        name = load_service(service).signing_name
        claim = Claim(
            key=KEY,
            date=STAMP[:8],
            region="us-east-1",
            service=name,
            headers=tuple(given),
            signature="",
            timestamp=STAMP,
        )
        payload = given.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
        signature = sign(claim, request, secret=SECRET, service=service, payload=payload)
        scope = f"Credential={KEY}/{claim.scope}, SignedHeaders={';'.join(given)}, Signature={signature}"
        return self.send_as_it_is(request, authorization=f"AWS4-HMAC-SHA256 {scope}")

    def send_as_it_is(self, request: WireRequest, **headers: str) -> Any:
        """Hand a request on, and read what is streamed."""
        whole = WireRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers={**request.headers, **headers},
            body=request.body,
            length=request.length,
        )
        answer = self._application.handle(whole)
        if isinstance(answer.body, Stream):
            answer.body.content.read()
            answer.body.close()
        return answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "outside").write_text("untouched")
    return folder


@pytest.fixture(scope="module")
def sender(folder: Path) -> Iterator[Sender]:
    yield Sender(folder / "store")
    assert sorted(path.name for path in folder.iterdir()) == ["outside", "store"]
    assert (folder / "outside").read_text() == "untouched"
    assert {path.name for path in (folder / "store").iterdir()} <= {"buckets", "buckets.lock", "temporary"}
    assert not list((folder / "store" / "temporary").iterdir())
    assert not [path for path in (folder / "store").rglob("*") if path.is_symlink()]


def check(service: str, request: tuple[object, ...], answer: WireResponse) -> None:
    """Check that an answer is a good one or a refusal as AWS words it."""
    assert answer.status < 500 or answer.status == 501, (request, answer)
    if answer.status < 400 or not answer.body:
        return
    assert isinstance(answer.body, bytes)
    if service == "sagemaker-runtime":
        assert answer.headers["x-amzn-ErrorType"]
        assert "message" in {name.lower() for name in orjson.loads(answer.body)}
        return
    words = {element.tag.rpartition("}")[2]: element.text for element in ElementTree.fromstring(answer.body).iter()}
    assert words["Code"]
    assert words["Message"]


# --- S3 ---------------------------------------------------------------------------------------------------------------

S3 = load_service("s3")
S3_OPERATIONS = [S3.operation_model(served.name) for served in SERVED if served.service == "s3"]
SUBRESOURCES = sorted(
    {operation.http["requestUri"].partition("?")[2] for operation in S3_OPERATIONS} | {"versionId", "nonsense", "x-id"}
)
QUERY_NAMES = sorted(
    {
        str(member.serialization["name"])
        for operation in S3_OPERATIONS
        if operation.input_shape
        for member in operation.input_shape.members.values()
        if member.serialization.get("location") == "querystring"
    }
)
HEADER_NAMES = sorted(
    {
        str(member.serialization["name"]).lower()
        for operation in S3_OPERATIONS
        if operation.input_shape
        for member in operation.input_shape.members.values()
        if member.serialization.get("location") == "header"
    }
    | {"x-amz-meta-a", "x-amz-trailer", "x-amz-decoded-content-length", "content-encoding"}
)
METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "get"])


@st.composite
def s3_requests(draw: st.DrawFn) -> tuple[str, str, str, dict[str, str], bytes]:
    bucket = draw(st.sampled_from([BUCKET, "other", "..", "%2e%2e", "A", "x" * 64, ""]) | TEXTS)
    key = draw(st.none() | st.sampled_from(["a", "b/c"]) | TEXTS)
    safe = draw(st.sampled_from(["/", "/%.", "/~"]))
    path = "/" + quote(bucket, safe=safe) + ("" if key is None else "/" + quote(key, safe=safe))
    pairs = [draw(st.sampled_from(SUBRESOURCES))] if draw(st.booleans()) else []
    names = draw(st.lists(st.sampled_from(QUERY_NAMES), max_size=3, unique=True))
    pairs += [f"{quote(name)}={quote(draw(TEXTS), safe=safe)}" for name in names]
    headers = {
        name: draw(HEADER_TEXTS) for name in draw(st.lists(st.sampled_from(HEADER_NAMES), max_size=3, unique=True))
    }
    return draw(METHODS), path, "&".join(pairs), headers, draw(BODIES)


@FUZZ
@given(request=s3_requests())
def test_s3(sender: Sender, request: tuple[str, str, str, dict[str, str], bytes]) -> None:
    check("s3", request, sender.send("s3", *request))


@pytest.mark.parametrize("operation", S3_OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_of_s3_with_one_odd_member(sender: Sender, operation: Any) -> None:
    """Every member that travels in the query or in a header is given odd texts, the others being right."""
    path, _, fixed = operation.http["requestUri"].partition("?")
    path = path.replace("{Bucket}", BUCKET).replace("{Key+}", "a")
    for number, member in enumerate(operation.input_shape.members.values() if operation.input_shape else ()):
        name, place = member.serialization.get("name", ""), member.serialization.get("location")
        for text in ODD_TEXTS[number % EACH_NTH :: EACH_NTH]:
            query, headers = fixed, {}
            if place == "querystring":
                query = f"{fixed}&{quote(name)}={quote(text, safe='')}"
            elif place == "header":
                headers = {name.lower(): text.encode().decode("latin-1")}
            else:
                break
            if operation.name != "DeleteBucket":
                request = (operation.http["method"], path, query, headers, b"")
                check("s3", request, sender.send("s3", *request))


# --- sagemaker-runtime ------------------------------------------------------------------------------------------------

RUNTIME_HEADERS = (
    "content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-target-model",
    "x-amzn-sagemaker-target-variant", "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-enable-explanations",
    "x-amzn-sagemaker-session-id", "content-length", "transfer-encoding",
)  # fmt: skip


@FUZZ
@given(
    method=METHODS | st.just("POST"),
    name=TEXTS,
    tail=st.sampled_from(
        ["invocations", "async-invocations", "invocations-response-stream", "", "..", "invocations/x"]
    ),
    headers=st.dictionaries(st.sampled_from(RUNTIME_HEADERS), HEADER_TEXTS, max_size=3),
    body=BODIES,
)
def test_runtime(sender: Sender, method: str, name: str, tail: str, headers: dict[str, str], body: bytes) -> None:
    request = (method, f"/endpoints/{quote(name, safe='')}/{tail}", "", headers, body)
    check("sagemaker-runtime", request, sender.send("sagemaker-runtime", *request))


# --- STS and IAM ------------------------------------------------------------------------------------------------------

FORM_NAMES = (
    "Action", "Version", "RoleName", "PolicySourceArn", "ActionNames.member.1", "ActionNames.member.2", "ActionNames",
    "ResourceArns.member.1", "ContextEntries.member.1.ContextKeyName", "ContextEntries.member.1", "MaxItems",
    "Marker", "X", "RoleName.member.1", ".", "..", "ActionNames.member.",
)  # fmt: skip
ACTIONS = ("GetCallerIdentity", "GetRole", "SimulatePrincipalPolicy", "AssumeRole", "CreateUser", "")


@FUZZ
@given(
    service=st.sampled_from(["sts", "iam"]),
    action=st.sampled_from(ACTIONS) | TEXTS,
    fields=st.dictionaries(st.sampled_from(FORM_NAMES), TEXTS, max_size=5),
    body=st.none() | BODIES,
    method=st.sampled_from(["POST", "GET"]),
)
def test_forms(
    sender: Sender, service: str, action: str, fields: dict[str, str], body: bytes | None, method: str
) -> None:
    form = "&".join(f"{name}={quote(text, safe='')}" for name, text in {"Action": action, **fields}.items())
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = (method, "/", "", headers, form.encode() if body is None else body)
    check(service, request, sender.send(service, *request))


# --- what comes before ------------------------------------------------------------------------------------------------

PRESIGNED = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
    "X-Amz-Content-Sha256", "AWSAccessKeyId", "Signature", "Expires",
)  # fmt: skip
RIGHT = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": f"{KEY}/{STAMP[:8]}/us-east-1/s3/aws4_request",
    "X-Amz-Date": STAMP,
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0" * 64,
}
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={KEY}/{STAMP[:8]}/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=%s"
)


@FUZZ
@given(
    right=st.sets(st.sampled_from(sorted(RIGHT))),
    odd=st.dictionaries(st.sampled_from(PRESIGNED), TEXTS, max_size=3),
    method=METHODS,
)
def test_addresses_that_nobody_signed_open_nothing(
    sender: Sender, right: set[str], odd: dict[str, str], method: str
) -> None:
    fields = {**{name: RIGHT[name] for name in right}, **odd}
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in fields.items())
    request = WireRequest(
        method=method, path="/data/a", query=query, headers={"host": "localhost"}, body=io.BytesIO(), length=0
    )
    answer = sender.send_as_it_is(request)
    check("s3", (query,), answer)
    assert answer.status >= 400


@FUZZ
@given(
    authorization=HEADER_TEXTS
    | st.builds(
        lambda service, signature: AUTHORIZATION % (service, signature),
        st.sampled_from(["s3", "sagemaker", "sts", "iam", "logs", "other"]) | HEADER_TEXTS,
        st.just("0" * 64) | HEADER_TEXTS,
    ),
    stamp=st.just(STAMP) | HEADER_TEXTS,
    payload=st.sampled_from(["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]) | HEADER_TEXTS,
    host=st.just("localhost") | HEADER_TEXTS,
)
def test_authorizations_that_are_wrong_open_nothing(
    sender: Sender, authorization: str, stamp: str, payload: str, host: str
) -> None:
    headers = {"host": host, "authorization": authorization, "x-amz-date": stamp, "x-amz-content-sha256": payload}
    request = WireRequest(method="GET", path="/data/a", query="", headers=headers, body=io.BytesIO(), length=0)
    answer = sender.send_as_it_is(request)
    assert 400 <= answer.status < 500, (headers, answer)
