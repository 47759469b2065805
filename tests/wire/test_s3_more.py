"""What else AWS clients do with objects: copies, tags, headers, old listings, uploads looked at."""

from __future__ import annotations

import base64
import hashlib
import socket
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.wire.installation import KEY, SECRET, Installation
from tests.wire.test_s3 import code_of

HEADERS = {
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.csv"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de-CH",
    "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
}

ACCESS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": KEY,
    "aws_secret_access_key": SECRET,
}


@pytest.fixture(scope="module")
def s3(installation: Installation) -> Any:
    client = installation.client("s3")
    client.create_bucket(Bucket="bucket")
    client.create_bucket(Bucket="other")
    return client


def refusal_of(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call()
    return code_of(error)


def test_headers_are_kept_and_can_be_overridden(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="headers", Body=b"x", **HEADERS)
    got = s3.get_object(Bucket="bucket", Key="headers")
    head = s3.head_object(Bucket="bucket", Key="headers")
    assert {name: got[name] for name in HEADERS} == {name: head[name] for name in HEADERS} == HEADERS
    other = s3.get_object(
        Bucket="bucket",
        Key="headers",
        ResponseContentType="text/x",
        ResponseCacheControl="no-store",
        ResponseContentDisposition="inline",
        ResponseContentEncoding="identity",
        ResponseContentLanguage="rm",
        ResponseExpires=datetime(2031, 1, 1, tzinfo=UTC),
    )
    told = [other[name] for name in ("ContentType", *HEADERS)]
    assert told == ["text/x", "no-store", "inline", "identity", "rm", datetime(2031, 1, 1, tzinfo=UTC)]


def test_copies_keep_the_description_or_get_a_new_one(s3: Any) -> None:
    source = s3.put_object(
        Bucket="bucket",
        Key="ä b/+",
        Body=b"content",
        Metadata={"a": "1"},
        Tagging="t=1",
        ContentType="text/a",
        **HEADERS,
    )
    where = {"CopySource": {"Bucket": "bucket", "Key": "ä b/+"}, "Bucket": "other"}
    copied = s3.copy_object(**where, Key="same")["CopyObjectResult"]
    assert (copied["ETag"], copied["ChecksumCRC32"]) == (source["ETag"], source["ChecksumCRC32"])
    got = s3.get_object(Bucket="other", Key="same")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"content", {"a": "1"}, "text/a")
    assert (got["CacheControl"], got["TagCount"]) == ("max-age=60", 1)
    s3.copy_object(
        **where,
        Key="new",
        MetadataDirective="REPLACE",
        TaggingDirective="REPLACE",
        Metadata={"b": "2"},
        Tagging="t=2&u=3",
        ContentType="text/b",
        ChecksumAlgorithm="SHA256",
    )
    head = s3.head_object(Bucket="other", Key="new", ChecksumMode="ENABLED")
    assert (head["Metadata"], head["ContentType"], head["TagCount"]) == ({"b": "2"}, "text/b", 2)
    assert "CacheControl" not in head
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"content").digest()).decode()


def test_copies_that_are_refused(s3: Any) -> None:
    etag = s3.put_object(Bucket="bucket", Key="source", Body=b"content")["ETag"]
    where = {"CopySource": "bucket/source", "Bucket": "other", "Key": "copy"}
    cases: list[tuple[dict[str, Any], tuple[str, int]]] = [
        ({"Bucket": "bucket", "Key": "source"}, ("InvalidRequest", 400)),
        ({"CopySource": "bucket/missing"}, ("NoSuchKey", 404)),
        ({"CopySource": "missing/source"}, ("NoSuchBucket", 404)),
        ({"CopySource": "bucket"}, ("InvalidArgument", 400)),
        ({"CopySource": "bucket/source?versionId=3"}, ("NotImplemented", 501)),
        ({"CopySourceIfMatch": '"x"'}, ("PreconditionFailed", 412)),
        ({"CopySourceIfNoneMatch": etag}, ("PreconditionFailed", 412)),
        ({"ExpectedSourceBucketOwner": "111111111111"}, ("AccessDenied", 403)),
    ]
    for change, expected in cases:
        assert refusal_of(lambda change=change: s3.copy_object(**{**where, **change})) == expected  # type: ignore[misc]
    changed = s3.copy_object(CopySource="bucket/source", Bucket="bucket", Key="source", MetadataDirective="REPLACE")
    assert changed["CopyObjectResult"]["ETag"] == etag


def test_tags_of_objects(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="tagged", Body=b"x", Tagging="a%20b=c%26d&e=")
    where = {"Bucket": "bucket", "Key": "tagged"}
    tags = [{"Key": "a b", "Value": "c&d"}, {"Key": "e", "Value": ""}]
    assert s3.get_object_tagging(**where)["TagSet"] == tags
    assert s3.head_object(**where)["TagCount"] == 2
    s3.put_object_tagging(**where, Tagging={"TagSet": tags[:1]})
    assert s3.get_object_tagging(**where)["TagSet"] == tags[:1]
    assert s3.get_object(**where)["Body"].read() == b"x"
    s3.delete_object_tagging(**where)
    assert s3.get_object_tagging(**where)["TagSet"] == []
    many = [{"Key": str(number), "Value": ""} for number in range(11)]
    for wrong, code in (
        (many, "BadRequest"),
        ([tags[0], tags[0]], "InvalidTag"),
        ([{"Key": "x" * 129, "Value": ""}], "InvalidTag"),
    ):
        call = lambda wrong=wrong: s3.put_object_tagging(**where, Tagging={"TagSet": wrong})  # noqa: E731
        assert refusal_of(call) == (code, 400)
    assert refusal_of(lambda: s3.get_object_tagging(Bucket="bucket", Key="missing")) == ("NoSuchKey", 404)


def test_tags_of_buckets(s3: Any) -> None:
    assert refusal_of(lambda: s3.get_bucket_tagging(Bucket="other")) == ("NoSuchTagSet", 404)
    s3.put_bucket_tagging(Bucket="other", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_bucket_tagging(Bucket="other")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.delete_bucket_tagging(Bucket="other")
    assert refusal_of(lambda: s3.get_bucket_tagging(Bucket="other")) == ("NoSuchTagSet", 404)


def test_settings_that_no_bucket_has(s3: Any) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket="bucket")
    assert s3.get_bucket_request_payment(Bucket="bucket")["Payer"] == "BucketOwner"
    assert s3.get_bucket_acl(Bucket="bucket")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="bucket")
    for name, code in (
        ("cors", "NoSuchCORSConfiguration"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("policy", "NoSuchBucketPolicy"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("website", "NoSuchWebsiteConfiguration"),
    ):
        assert refusal_of(lambda name=name: getattr(s3, f"get_bucket_{name}")(Bucket="bucket")) == (code, 404)  # type: ignore[misc]
    assert refusal_of(lambda: s3.get_bucket_versioning(Bucket="missing")) == ("NoSuchBucket", 404)


def test_promises_that_cannot_be_kept_are_refused(s3: Any) -> None:
    for promise in (
        {"ACL": "public-read"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"ObjectLockMode": "GOVERNANCE"},
        {"WebsiteRedirectLocation": "/x"},
    ):
        call = lambda promise=promise: s3.put_object(Bucket="bucket", Key="promised", Body=b"", **promise)  # noqa: E731
        assert refusal_of(call) == ("NotImplemented", 501)
    long = {"a": "x" * 2048}
    assert refusal_of(lambda: s3.put_object(Bucket="bucket", Key="k", Metadata=long)) == ("MetadataTooLarge", 400)
    assert refusal_of(lambda: s3.put_object(Bucket="bucket", Key="k" * 1025)) == ("KeyTooLongError", 400)


def test_old_listings_and_versions(installation: Installation) -> None:
    s3 = installation.client("s3")
    s3.create_bucket(Bucket="versions")
    keys = ["a/1", "a/2", "b c", "d+&", "e"]
    for key in keys:
        s3.put_object(Bucket="versions", Key=key, Body=b"")
    for name, list_name in (("list_objects", "Contents"), ("list_object_versions", "Versions")):
        pages = s3.get_paginator(name).paginate(Bucket="versions", PaginationConfig={"PageSize": 2})
        assert [item["Key"] for page in pages for item in page.get(list_name, [])] == keys
        folders = getattr(s3, name)(Bucket="versions", Delimiter="/")
        assert [item["Prefix"] for item in folders["CommonPrefixes"]] == ["a/"]
    assert s3.list_objects(Bucket="versions", Marker="b c")["Contents"][0]["Key"] == "d+&"
    assert s3.list_object_versions(Bucket="versions", MaxKeys=1)["NextKeyMarker"] == "a/1"
    resource = boto3.resource(
        "s3",
        endpoint_url=installation.url,
        **ACCESS,
        config=Config(retries={"total_max_attempts": 1}),
    )
    bucket = resource.Bucket("versions")
    assert [item.key for item in bucket.objects.filter(Prefix="a/")] == ["a/1", "a/2"]
    bucket.copy({"Bucket": "versions", "Key": "e"}, "f")
    bucket.object_versions.delete()
    bucket.delete()


def test_a_page_goes_on_whatever_came_and_went(installation: Installation) -> None:
    s3 = installation.client("s3")
    s3.create_bucket(Bucket="pages")
    for key in "bdfh":
        s3.put_object(Bucket="pages", Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket="pages", MaxKeys=2)
    assert [item["Key"] for item in page["Contents"]] == ["b", "d"]
    for key in "ace":
        s3.put_object(Bucket="pages", Key=key, Body=b"")
    s3.delete_object(Bucket="pages", Key="d")
    rest = s3.list_objects_v2(Bucket="pages", ContinuationToken=page["NextContinuationToken"])
    assert [item["Key"] for item in rest["Contents"]] == ["e", "f", "h"]


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA256", "COMPOSITE")]
)
def test_uploads_with_checksums(s3: Any, algorithm: str, kind: str) -> None:
    upload = s3.create_multipart_upload(Bucket="bucket", Key="sums", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (upload["ChecksumAlgorithm"], upload["ChecksumType"]) == (algorithm, kind)
    where = {"Bucket": "bucket", "Key": "sums", "UploadId": upload["UploadId"]}
    member, parts = f"Checksum{algorithm}", []
    for number, content in ((1, b"one"), (2, b"two")):
        sent = s3.upload_part(**where, PartNumber=number, Body=content, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": sent["ETag"], member: sent[member]})
    wrong = [{**parts[0], member: parts[1][member]}, parts[1]]
    call = lambda: s3.complete_multipart_upload(**where, MultipartUpload={"Parts": wrong})  # noqa: E731
    assert refusal_of(call) == ("InvalidPart", 400)
    call = lambda: s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, MpuObjectSize=7)  # noqa: E731
    assert refusal_of(call) == ("InvalidRequest", 400)
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    digests = b"".join(base64.b64decode(part[member]) for part in parts)
    expected = {
        ("CRC32", "COMPOSITE"): base64.b64encode(zlib.crc32(digests).to_bytes(4, "big")).decode() + "-2",
        ("CRC32", "FULL_OBJECT"): base64.b64encode(zlib.crc32(b"onetwo").to_bytes(4, "big")).decode(),
        ("SHA256", "COMPOSITE"): base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-2",
    }
    assert (done[member], done["ChecksumType"]) == (expected[algorithm, kind], kind)
    got = s3.get_object(Bucket="bucket", Key="sums")
    assert (got["Body"].read(), got[member]) == (b"onetwo", done[member])
    told = s3.get_object_attributes(Bucket="bucket", Key="sums", ObjectAttributes=["ObjectParts"])
    assert told["ObjectParts"]["TotalPartsCount"] == 2


def test_uploads_are_looked_at(s3: Any) -> None:
    ids = {key: s3.create_multipart_upload(Bucket="other", Key=key)["UploadId"] for key in ("b/2", "a/1", "b/1")}
    listed = s3.list_multipart_uploads(Bucket="other")
    assert [(item["Key"], item["UploadId"]) for item in listed["Uploads"]] == sorted(ids.items())
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket="other", Prefix="b/", PaginationConfig={"PageSize": 1}
    )
    assert [item["Key"] for page in pages for item in page["Uploads"]] == ["b/1", "b/2"]
    where = {"Bucket": "other", "Key": "a/1", "UploadId": ids["a/1"]}
    for number in (3, 1, 2):
        s3.upload_part(**where, PartNumber=number, Body=b"x" * number)
    parts = s3.get_paginator("list_parts").paginate(**where, PaginationConfig={"PageSize": 2})
    assert [(part["PartNumber"], part["Size"]) for page in parts for part in page["Parts"]] == [(1, 1), (2, 2), (3, 3)]
    for key, upload in ids.items():
        s3.abort_multipart_upload(Bucket="other", Key=key, UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="other")


def test_buckets_in_the_name_of_the_host(installation: Installation, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(  # not every machine knows the names below localhost
        socket, "getaddrinfo", lambda host, *rest, **more: look_up("127.0.0.1", *rest, **more)
    )
    port = installation.url.rpartition(":")[2]
    client = boto3.client(
        "s3",
        endpoint_url=f"http://localhost:{port}",
        **ACCESS,
        config=Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1}),
    )
    client.create_bucket(Bucket="by-host")
    client.put_object(Bucket="by-host", Key="a b/ü", Body=b"content")
    assert client.get_object(Bucket="by-host", Key="a b/ü")["Body"].read() == b"content"
    assert s3.get_object(Bucket="by-host", Key="a b/ü")["Body"].read() == b"content"
    assert [item["Key"] for item in client.list_objects_v2(Bucket="by-host")["Contents"]] == ["a b/ü"]
    assert "by-host" in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    for version in ("s3", "s3v4"):
        config = Config(s3={"addressing_style": "virtual"}, signature_version=version)
        signer = boto3.client("s3", endpoint_url=f"http://localhost:{port}", config=config, **ACCESS)
        url = signer.generate_presigned_url("get_object", Params={"Bucket": "by-host", "Key": "a b/ü"})
        assert url.startswith(f"http://by-host.localhost:{port}/")
        assert urllib3.request("GET", url).data == b"content"


def test_parts_are_copied(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="whole", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket="other", Key="joined", ChecksumAlgorithm="CRC32")["UploadId"]
    where = {"Bucket": "other", "Key": "joined", "UploadId": upload}
    copy = {**where, "CopySource": "/bucket/whole"}
    parts = []
    for number, span in ((1, {"CopySourceRange": "bytes=5-7"}), (2, {})):
        result = s3.upload_part_copy(**copy, PartNumber=number, **span)["CopyPartResult"]
        parts.append({"PartNumber": number, "ETag": result["ETag"], "ChecksumCRC32": result["ChecksumCRC32"]})
    call = lambda: s3.upload_part_copy(**copy, PartNumber=3, CopySourceRange="bytes=5-99")  # noqa: E731
    assert refusal_of(call) == ("InvalidArgument", 400)
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert done["Location"] == f"{s3.meta.endpoint_url}/other/joined"
    assert s3.get_object(Bucket="other", Key="joined")["Body"].read() == b"5670123456789"
