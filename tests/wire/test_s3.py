"""The S3 door, with boto3 at the other end."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.wire.installation import Installation

ODD_KEYS = ["plain.csv", "a b/c", "ü/ß€", "p+lus&amp?x=1#y", "~tilde-_.", "per%20cent", "sla//sh", "new\nline", "'\"<>"]


@pytest.fixture(scope="module")
def s3(installation: Installation) -> Any:
    client = installation.client("s3")
    client.create_bucket(Bucket="bucket")
    return client


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_objects_come_back_under_odd_keys(s3: Any, key: str) -> None:
    put = s3.put_object(
        Bucket="bucket", Key=key, Body=b"content", ContentType="text/csv; x=1", Metadata={"one": "1", "two": "a b"}
    )
    got = s3.get_object(Bucket="bucket", Key=key)
    assert got["Body"].read() == b"content"
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == (
        "text/csv; x=1",
        {"one": "1", "two": "a b"},
        put["ETag"],
    )
    assert s3.head_object(Bucket="bucket", Key=key)["ContentLength"] == 7
    assert key in [item["Key"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    s3.delete_object(Bucket="bucket", Key=key)
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="bucket", Key=key)
    assert code_of(error) == ("NoSuchKey", 404)


@pytest.mark.parametrize(
    ("asked", "content", "span"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ],
)
def test_ranges(s3: Any, asked: str, content: bytes, span: str) -> None:
    s3.put_object(Bucket="bucket", Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket="bucket", Key="digits", Range=asked)
    assert (got["Body"].read(), got["ContentRange"], got["ResponseMetadata"]["HTTPStatusCode"]) == (content, span, 206)
    head = s3.head_object(Bucket="bucket", Key="digits", Range=asked)
    assert head["ContentLength"] == len(content)


def test_a_range_behind_the_end_is_refused(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="digits", Body=b"0123456789")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="bucket", Key="digits", Range="bytes=10-")
    assert code_of(error) == ("InvalidRange", 416)


def test_conditions(s3: Any) -> None:
    etag = s3.put_object(Bucket="bucket", Key="known", Body=b"x")["ETag"]
    assert s3.get_object(Bucket="bucket", Key="known", IfMatch=etag)["Body"].read() == b"x"
    for condition, status in (({"IfNoneMatch": etag}, 304), ({"IfMatch": '"other"'}, 412)):
        with pytest.raises(ClientError) as error:
            s3.get_object(Bucket="bucket", Key="known", **condition)
        assert code_of(error)[1] == status
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"other"'}):
        with pytest.raises(ClientError) as error:
            s3.put_object(Bucket="bucket", Key="known", Body=b"y", **condition)
        assert code_of(error) == ("PreconditionFailed", 412)
    s3.put_object(Bucket="bucket", Key="known", Body=b"y", IfMatch=etag)
    with pytest.raises(ClientError) as error:
        s3.delete_object(Bucket="bucket", Key="known", IfMatch=etag)
    assert code_of(error) == ("PreconditionFailed", 412)
    modified_at = s3.head_object(Bucket="bucket", Key="known")["LastModified"]
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="bucket", Key="known", IfModifiedSince=modified_at)
    assert code_of(error)[1] == 304
    assert s3.get_object(Bucket="bucket", Key="known", IfUnmodifiedSince=modified_at)["Body"].read() == b"y"


def test_listing_in_pages_with_prefixes(installation: Installation) -> None:
    s3 = installation.client("s3")
    s3.create_bucket(Bucket="listing")
    for key in ("a/1", "a/2", "b/1", "c", "d", "e+f"):
        s3.put_object(Bucket="listing", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="listing", PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == ["a/1", "a/2", "b/1", "c", "d", "e+f"]
    folders = s3.list_objects_v2(Bucket="listing", Delimiter="/")
    assert [item["Prefix"] for item in folders["CommonPrefixes"]] == ["a/", "b/"]
    assert [item["Key"] for item in folders["Contents"]] == ["c", "d", "e+f"]
    assert folders["KeyCount"] == 5
    assert s3.list_objects_v2(Bucket="listing", Prefix="a/", StartAfter="a/1")["Contents"][0]["Key"] == "a/2"
    assert s3.list_objects_v2(Bucket="listing", MaxKeys=0)["KeyCount"] == 0
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket="listing", ContinuationToken="?")
    assert code_of(error) == ("InvalidArgument", 400)
    gone = s3.delete_objects(Bucket="listing", Delete={"Objects": [{"Key": "c"}, {"Key": "never"}]})
    assert [item["Key"] for item in gone["Deleted"]] == ["c", "never"]
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket="listing")
    assert code_of(error) == ("BucketNotEmpty", 409)


def test_buckets(installation: Installation) -> None:
    s3 = installation.client("s3")
    s3.create_bucket(Bucket="endpoints")  # also the beginning of an invocation's path
    s3.put_object(Bucket="endpoints", Key="x/invocations", Body=b"an object")
    assert s3.get_object(Bucket="endpoints", Key="x/invocations")["Body"].read() == b"an object"
    assert s3.head_bucket(Bucket="endpoints", ExpectedBucketOwner="000000000000")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="endpoints")["LocationConstraint"] is None
    assert "endpoints" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    cases: list[tuple[Callable[[], Any], tuple[str, int]]] = [
        (lambda: s3.create_bucket(Bucket="endpoints"), ("BucketAlreadyOwnedByYou", 409)),
        (lambda: s3.head_bucket(Bucket="missing"), ("404", 404)),
        (lambda: s3.head_bucket(Bucket="endpoints", ExpectedBucketOwner="111111111111"), ("403", 403)),
        (lambda: s3.get_object(Bucket="missing", Key="x"), ("NoSuchBucket", 404)),
        (lambda: s3.get_bucket_analytics_configuration(Bucket="endpoints", Id="x"), ("NotImplemented", 501)),
        (lambda: s3.put_bucket_policy(Bucket="endpoints", Policy="{}"), ("NotImplemented", 501)),
        (lambda: s3.head_object(Bucket="endpoints", Key="missing"), ("404", 404)),
    ]
    for call, expected in cases:
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == expected
    s3.delete_object(Bucket="endpoints", Key="x/invocations")
    s3.delete_bucket(Bucket="endpoints")


def test_multipart_uploads_both_ways(s3: Any) -> None:
    content = os.urandom(11 << 20)
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2)
    s3.upload_fileobj(io.BytesIO(content), "bucket", "big", Config=config)
    assert s3.head_object(Bucket="bucket", Key="big")["ETag"].endswith('-3"')
    got = io.BytesIO()
    s3.download_fileobj("bucket", "big", got, Config=config)
    assert got.getvalue() == content


def test_uploads_that_go_wrong(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
    where = {"Bucket": "bucket", "Key": "parts", "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=b"one")
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]})
    assert code_of(error) == ("InvalidPart", 400)
    s3.abort_multipart_upload(**where)
    with pytest.raises(ClientError) as error:
        s3.upload_part(**where, PartNumber=1, Body=b"one")
    assert code_of(error) == ("NoSuchUpload", 404)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_that_clients_send_are_kept(s3: Any, algorithm: str) -> None:
    put = s3.put_object(Bucket="bucket", Key="sum", Body=io.BytesIO(b"content"), ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket="bucket", Key="sum")  # boto3 compares while it reads
    assert got["Body"].read() == b"content"
    name = f"Checksum{algorithm}"
    assert put[name] == got[name] != ""
    assert (put["ChecksumType"], got["ChecksumType"]) == ("FULL_OBJECT", "FULL_OBJECT")
    assert name not in s3.get_object(Bucket="bucket", Key="sum", Range="bytes=0-1")
    told = s3.get_object_attributes(
        Bucket="bucket", Key="sum", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize"]
    )
    assert (told["Checksum"][name], told["ObjectSize"], told["ETag"]) == (put[name], 7, put["ETag"].strip('"'))
    assert "ObjectParts" not in told
    listed = s3.list_objects_v2(Bucket="bucket", Prefix="sum", FetchOwner=True)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["Owner"]["ID"]) == ([algorithm], "000000000000")


def test_a_wrong_checksum_is_refused(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="bucket", Key="sum", Body=b"content", ChecksumCRC32="AAAAAA==")
    assert code_of(error) == ("BadDigest", 400)
