"""Copies of objects and of their parts, made here without the client."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, cast
from urllib.parse import unquote

from gyropilot.api.checksums import CheckedBody
from gyropilot.api.errors import ApiError
from gyropilot.api.operations.buckets import bucket_of
from gyropilot.api.operations.conditions import check_conditions, read_replaced
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.properties import (
    checksum_member,
    describe_checksums,
    read_properties,
    refuse_unserved_parameters,
)
from gyropilot.api.operations.uploads import check_part_number
from gyropilot.service.ports import Blob, BlobProperties

_SOURCE_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def copy_object(context: Context, params: Params) -> Result:
    """Store an object with the content of another; its description too, unless it is to be replaced."""
    refuse_unserved_parameters(context, params)
    bucket = bucket_of(context, params)
    _refuse_copy_without_change(params, bucket)
    with _open_source(context, params) as (source, content):
        body = CheckedBody(content, {}, algorithm=params.get("ChecksumAlgorithm", "").lower())
        blob = context.service.blobs.put(
            bucket,
            params["Key"],
            cast("BinaryIO", body),
            _choose_properties(source, params, body.checksums),
            replaces=read_replaced(context, params),
        )
    return {
        "CopyObjectResult": {
            "ETag": f'"{blob.etag}"',
            "LastModified": blob.modified_at,
            **describe_checksums(blob.checksums),
        }
    }


def upload_part_copy(context: Context, params: Params) -> Result:
    """Store a part with the content of another object, or of a range of it."""
    refuse_unserved_parameters(context, params)
    number = check_part_number(context, params)
    bucket = bucket_of(context, params)
    blobs = context.service.blobs
    upload = blobs.get_upload(bucket, params["Key"], params["UploadId"])
    with _open_source(context, params) as (source, content):
        span = _read_source_range(context, params, source)
        body = CheckedBody(_limit(content, span), {}, algorithm=upload.checksum_algorithm)
        etag = blobs.put_part(bucket, params["Key"], upload.id, number, cast("BinaryIO", body), body.checksums)
    checksums = {checksum_member(algorithm): value for algorithm, value in body.checksums.items()}
    return {"CopyPartResult": {"ETag": f'"{etag}"', "LastModified": datetime.now(UTC), **checksums}}


def _read_source_range(context: Context, params: Params, source: Blob) -> range:
    text = params.get("CopySourceRange")
    if text is None:
        return range(source.size)
    found = _SOURCE_RANGE.fullmatch(text)
    if found is None:
        raise context.refuse("The x-amz-copy-source-range value must be of the form bytes=first-last.")
    first, last = int(found[1]), int(found[2])
    if not first <= last < source.size:
        raise context.refuse(f"Range specified is not valid for source object of size: {source.size}")
    return range(first, last + 1)


def _refuse_copy_without_change(params: Params, bucket: str) -> None:
    source_bucket, key = read_source(params)
    if (source_bucket, key) == (bucket, params["Key"]) and params.get("MetadataDirective", "COPY") == "COPY":
        raise ApiError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


def _choose_properties(source: Blob, params: Params, checksums: Mapping[str, str]) -> BlobProperties:
    """Return what is to be stated of the copy: what the request states instead, and of the rest what the source has."""
    stated = read_properties(params)
    if params.get("MetadataDirective", "COPY") == "COPY":
        stated = replace(source.properties, tags=stated.tags)
    if params.get("TaggingDirective", "COPY") == "COPY":
        stated = replace(stated, tags=source.tags)
    whole = {algorithm: value for algorithm, value in source.checksums.items() if "-" not in value}
    return replace(stated, checksums=checksums if params.get("ChecksumAlgorithm") else whole)


@contextmanager
def _open_source(context: Context, params: Params) -> Iterator[tuple[Blob, BinaryIO]]:
    """Open the object that is copied, once its conditions are met."""
    bucket, key = read_source(params)
    expected = params.get("ExpectedSourceBucketOwner")
    bucket_of(context, {"Bucket": bucket} | ({"ExpectedBucketOwner": expected} if expected is not None else {}))
    with context.service.blobs.open(bucket, key) as (blob, content):
        check_conditions(blob, params, prefix="CopySource")
        yield blob, content


def read_source(params: Params) -> tuple[str, str]:
    """Return the bucket and the key of the object that is copied.

    Raises:
        ApiError: when the source names none, or a version of it.
    """
    path, _, version = params["CopySource"].partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        raise ApiError("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    if version not in ("", "null"):
        raise ApiError("NotImplemented", "Gyropilot does not serve versions of objects yet.", 501)
    return bucket, key


def _limit(content: BinaryIO, span: range) -> BinaryIO:
    content.seek(span.start)
    return cast("BinaryIO", _Limited(content, len(span)))


class _Limited(io.RawIOBase):
    """No more than some bytes of another file, from where it stands."""

    def __init__(self, content: BinaryIO, length: int) -> None:
        self._content = content
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        piece = self._content.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece
