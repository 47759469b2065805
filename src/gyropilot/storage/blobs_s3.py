"""Blobs in an S3 elsewhere: AWS's own, MinIO, Ceph, another Gyropilot. Whoever runs the server has the credentials."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from gyropilot.service.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BlobStoreError,
)
from gyropilot.service.ports import NO_CHECKSUMS, PLAIN, Blob, BlobPage, BlobPart, BlobProperties, BlobUpload, Bucket
from gyropilot.storage.blob_listing import Listing
from gyropilot.storage.blob_names import check_bucket_name, check_part_number, encode_key
from gyropilot.storage.blob_parts import check_parts
from gyropilot.storage.blob_ranges import resolve_range
from gyropilot.storage.s3_buckets import S3Buckets, write_tag_set
from gyropilot.storage.s3_content import RemoteContent
from gyropilot.storage.s3_errors import translate_errors
from gyropilot.storage.s3_properties import read_blob, read_checksums, write_checksums, write_properties

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SPOOL_BYTES = 8 << 20
BUFFER_BYTES = 1 << 18
PAGE_SIZE_MAX = 1000
THREADS = 16
"""How many objects of a listing are asked for at once."""


class S3BlobStore:
    """A `BlobStore` that is somebody else's S3."""

    def __init__(self, client: S3Client) -> None:
        # Any: the keywords of every call are put together here, which the stubs cannot follow.
        self._s3: Any = client
        self._buckets = S3Buckets(client)

    def create_bucket(self, bucket: str) -> Bucket:
        """Make a bucket."""
        return self._buckets.create(bucket)

    def get_bucket(self, bucket: str) -> Bucket:
        """Return a bucket."""
        return self._buckets.get(bucket)

    def set_bucket_tags(self, bucket: str, tags: Mapping[str, str]) -> Bucket:
        """Give a bucket other tags."""
        return self._buckets.set_tags(bucket, tags)

    def list_buckets(self) -> Sequence[Bucket]:
        """Return all buckets in the order of their names; their tags are not asked for."""
        return self._buckets.list()

    def delete_bucket(self, bucket: str) -> None:
        """Remove an empty bucket."""
        self._buckets.delete(bucket)

    def put(
        self,
        bucket: str,
        key: str,
        content: BinaryIO,
        properties: BlobProperties = PLAIN,
        *,
        replaces: str | None = None,
    ) -> Blob:
        """Store an object, read to its end beforehand: what is sent has a length, and can be sent again."""
        self._check(bucket, key)
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            shutil.copyfileobj(content, spool, BUFFER_BYTES)
            spool.seek(0)
            stated = {**write_properties(properties), **write_checksums(properties.checksums), **_condition(replaces)}
            with translate_errors(bucket, key):
                self._s3.put_object(Bucket=bucket, Key=key, Body=spool, **stated)
        return self.head(bucket, key)

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> Blob:
        """Give an object other tags."""
        self._check(bucket, key)
        with translate_errors(bucket, key):
            self._s3.put_object_tagging(Bucket=bucket, Key=key, Tagging=write_tag_set(tags))
        return self.head(bucket, key)

    def head(self, bucket: str, key: str) -> Blob:
        """Return what is known of an object."""
        self._check(bucket, key)
        try:
            with translate_errors(bucket, key):
                answer = self._s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
                tags = self._read_tags(bucket, key) if answer.get("TagCount") else {}
        except BlobNotFoundError:  # or its bucket: the answer to a HEAD does not say
            self._buckets.require(bucket)
            raise
        return read_blob(bucket, key, answer, tags)

    @contextmanager
    def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[Blob, BinaryIO]]:
        """Open an object for reading; seeking asks for the rest anew."""
        while True:
            blob = self.head(bucket, key)
            with contextlib.suppress(BlobChangedError):  # replaced in between
                raw = RemoteContent(self._s3, blob, resolve_range(blob.size, first, last))
                break
        with io.BufferedReader(raw, BUFFER_BYTES) as content:
            yield blob, content

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> BlobPage:
        """Return objects and common prefixes in order of their keys; every object is asked for, many at once."""
        Listing.parse(prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        self._buckets.require(bucket)
        if limit <= 0:
            return BlobPage(blobs=(), prefixes=())
        entries: list[tuple[bytes, bool]] = []
        more = {"StartAfter": start_after}
        while more and len(entries) <= limit:
            with translate_errors(bucket):
                page = self._s3.list_objects_v2(
                    Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=min(limit + 1, PAGE_SIZE_MAX), **more
                )
            groups = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
            entries += sorted(
                [(item["Key"].encode(), False) for item in page.get("Contents", [])]
                + [(group.encode(), True) for group in groups if group != start_after]
            )
            token = page.get("NextContinuationToken")
            more = {"ContinuationToken": token} if token else {}
        named = entries[:limit]
        return BlobPage(
            blobs=self._head_all(bucket, [key.decode() for key, is_group in named if not is_group]),
            prefixes=tuple(key.decode() for key, is_group in named if is_group),
            next_start_after=named[-1][0].decode() if len(entries) > limit else "",
        )

    def delete(self, bucket: str, key: str, *, etag: str | None = None) -> None:
        """Remove an object."""
        self._check(bucket, key)
        condition = {} if etag is None else {"IfMatch": f'"{etag}"'}
        with translate_errors(bucket, key):
            self._s3.delete_object(Bucket=bucket, Key=key, **condition)

    def create_upload(
        self,
        bucket: str,
        key: str,
        properties: BlobProperties = PLAIN,
        *,
        checksum_algorithm: str = "",
        checksum_type: str = "",
    ) -> str:
        """Begin a multipart upload and return its id."""
        self._check(bucket, key)
        wanted = {"ChecksumAlgorithm": checksum_algorithm.upper(), "ChecksumType": checksum_type}
        stated = write_properties(properties) | {name: value for name, value in wanted.items() if value}
        with translate_errors(bucket, key):
            return str(self._s3.create_multipart_upload(Bucket=bucket, Key=key, **stated)["UploadId"])

    def get_upload(self, bucket: str, key: str, upload_id: str) -> BlobUpload:
        """Return an upload."""
        self.list_parts(bucket, key, upload_id)
        found = [upload for upload in self.list_uploads(bucket) if (upload.key, upload.id) == (key, upload_id)]
        if not found:
            raise BlobStoreError(f"the upload {upload_id} of {key!r} has parts, but is not listed")
        return found[0]

    def list_uploads(self, bucket: str) -> Sequence[BlobUpload]:
        """Return the bucket's uploads in the order of their keys, then of their ids."""
        check_bucket_name(bucket)
        with translate_errors(bucket):
            pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
            uploads = [
                BlobUpload(
                    key=item["Key"],
                    id=item["UploadId"],
                    created_at=item["Initiated"],
                    checksum_algorithm=item.get("ChecksumAlgorithm", "").lower(),
                    checksum_type=item.get("ChecksumType", ""),
                )
                for page in pages
                for item in page.get("Uploads", [])
            ]
        return sorted(uploads, key=lambda upload: (upload.key.encode(), upload.id))

    def put_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        content: BinaryIO,
        checksums: Mapping[str, str] = NO_CHECKSUMS,
    ) -> str:
        """Store one part and return its ETag."""
        self._check(bucket, key)
        check_part_number(number)
        where = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            shutil.copyfileobj(content, spool, BUFFER_BYTES)
            spool.seek(0)
            with translate_errors(bucket, key, upload_id):
                sent = self._s3.upload_part(**where, Body=spool, **write_checksums(checksums))
        return str(sent["ETag"]).strip('"')

    def list_parts(self, bucket: str, key: str, upload_id: str) -> Sequence[BlobPart]:
        """Return the parts in the order of their numbers."""
        self._check(bucket, key)
        with translate_errors(bucket, key, upload_id):
            pages = self._s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload_id)
            return [
                BlobPart(
                    number=item["PartNumber"],
                    size=item["Size"],
                    etag=item["ETag"].strip('"'),
                    modified_at=item["LastModified"],
                    checksums=read_checksums(item),
                )
                for page in pages
                for item in page.get("Parts", [])
            ]

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[tuple[int, str]],
        *,
        checksums: Mapping[str, str] = NO_CHECKSUMS,
        replaces: str | None = None,
    ) -> Blob:
        """Make the object of the parts."""
        there = {part.number: part for part in self.list_parts(bucket, key, upload_id)}
        check_parts({number: part.etag for number, part in there.items()}, parts)
        named = [
            {"PartNumber": number, "ETag": f'"{etag}"', **write_checksums(there[number].checksums)}
            for number, etag in parts
        ]
        stated = {**write_checksums(checksums), **_condition(replaces)}
        with translate_errors(bucket, key, upload_id):
            self._s3.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named}, **stated
            )
        return self.head(bucket, key)

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away."""
        self.list_parts(bucket, key, upload_id)  # AWS aborts what is not there without a word
        with translate_errors(bucket, key, upload_id):
            self._s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)

    def _check(self, bucket: str, key: str) -> None:
        check_bucket_name(bucket)
        encode_key(key)

    def _read_tags(self, bucket: str, key: str) -> dict[str, str]:
        answer = self._s3.get_object_tagging(Bucket=bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def _head_all(self, bucket: str, keys: Sequence[str]) -> tuple[Blob, ...]:
        def head_if_there(key: str) -> Blob | None:
            try:
                return self.head(bucket, key)
            except BlobNotFoundError:  # deleted since it was listed
                return None

        with ThreadPoolExecutor(THREADS) as pool:
            return tuple(blob for blob in pool.map(head_if_there, keys) if blob is not None)


def _condition(replaces: str | None) -> dict[str, str]:
    if replaces is None:
        return {}
    return {"IfMatch": f'"{replaces}"'} if replaces else {"IfNoneMatch": "*"}


def open_s3(endpoint: str, region: str) -> S3BlobStore:
    """Return the store at an address, or AWS's own for `aws`; credentials are found as by every AWS program."""
    import boto3  # late: only who has an S3 elsewhere waits for it
    from botocore.config import Config

    is_aws = endpoint == "aws"
    config = Config(
        max_pool_connections=2 * THREADS,
        retries={"mode": "standard", "total_max_attempts": 4},
        request_checksum_calculation="when_required",
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs miss it; they may lead to this server
        s3={"addressing_style": "auto" if is_aws else "path"},
    )
    session = boto3.Session()
    client = session.client(
        "s3",
        endpoint_url=None if is_aws else endpoint,
        region_name=session.region_name or region,
        config=config,
    )
    return S3BlobStore(client)
