"""Blobs in memory: for tests and for what need not outlive the process."""

from __future__ import annotations

import hashlib
import io
import threading
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO

from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketAlreadyExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    UploadNotFoundError,
)
from gyropilot.service.ports import Blob, BlobPage, Bucket
from gyropilot.storage.blob_listing import Listing, build_page
from gyropilot.storage.blob_names import check_bucket_name, check_part_number, encode_key
from gyropilot.storage.blob_parts import check_parts, combine_etags
from gyropilot.storage.blob_ranges import resolve_range

_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class _Object:
    blob: Blob
    content: bytes


@dataclass
class _Upload:
    key: str
    content_type: str
    metadata: Mapping[str, str]
    parts: dict[int, _Object] = field(default_factory=dict)


@dataclass
class _Bucket:
    bucket: Bucket
    objects: dict[bytes, _Object] = field(default_factory=dict)
    uploads: dict[str, _Upload] = field(default_factory=dict)


class MemoryBlobStore:
    """A `BlobStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.RLock()

    def create_bucket(self, bucket: str) -> Bucket:
        """Make a bucket."""
        check_bucket_name(bucket)
        with self._lock:
            if bucket in self._buckets:
                raise BucketAlreadyExistsError(bucket)
            made = Bucket(name=bucket, created_at=datetime.now(UTC))
            self._buckets[bucket] = _Bucket(made)
            return made

    def get_bucket(self, bucket: str) -> Bucket:
        """Return a bucket."""
        return self._find_bucket(bucket).bucket

    def list_buckets(self) -> Sequence[Bucket]:
        """Return all buckets in the order of their names."""
        with self._lock:
            return [self._buckets[name].bucket for name in sorted(self._buckets)]

    def delete_bucket(self, bucket: str) -> None:
        """Remove an empty bucket."""
        with self._lock:
            if self._find_bucket(bucket).objects:
                raise BucketNotEmptyError(bucket)
            del self._buckets[bucket]

    def put(
        self,
        bucket: str,
        key: str,
        content: BinaryIO,
        *,
        content_type: str = "binary/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> Blob:
        """Store an object."""
        encoded = encode_key(key)
        self._find_bucket(bucket)
        made = _make_object(bucket, key, content, content_type, metadata or {})
        return self._store(encoded, made)

    def head(self, bucket: str, key: str) -> Blob:
        """Return what is known of an object."""
        return self._find_object(bucket, key).blob

    @contextmanager
    def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[Blob, BinaryIO]]:
        """Open an object for reading."""
        found = self._find_object(bucket, key)
        positions = resolve_range(found.blob.size, first, last)
        with io.BytesIO(found.content[positions.start : positions.stop]) as content:
            yield found.blob, content

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> BlobPage:
        """Return objects and common prefixes in order of their keys."""
        listing = Listing.parse(prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        with self._lock:
            objects = dict(self._find_bucket(bucket).objects)
        return build_page(listing, _SortedKeys(sorted(objects), listing), lambda key: objects[key].blob)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        encoded = encode_key(key)
        with self._lock:
            self._find_bucket(bucket).objects.pop(encoded, None)

    def create_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = "binary/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Begin a multipart upload and return its id."""
        encode_key(key)
        upload_id = uuid.uuid4().hex
        with self._lock:
            upload = _Upload(key, content_type, _lower_keys(metadata or {}))
            self._find_bucket(bucket).uploads[upload_id] = upload
        return upload_id

    def put_part(self, bucket: str, key: str, upload_id: str, number: int, content: BinaryIO) -> str:
        """Store one part and return its ETag."""
        check_part_number(number)
        self._find_upload(bucket, key, upload_id)
        part = _make_object(bucket, key, content, "", {})
        with self._lock:
            self._find_upload(bucket, key, upload_id).parts[number] = part
        return part.blob.etag

    def complete_upload(self, bucket: str, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> Blob:
        """Make the object of the parts."""
        with self._lock:
            upload = self._find_upload(bucket, key, upload_id)
            check_parts({number: part.blob.etag for number, part in upload.parts.items()}, parts)
            content = io.BytesIO(b"".join(upload.parts[number].content for number, _ in parts))
            made = _make_object(bucket, key, content, upload.content_type, upload.metadata)
            blob = replace(made.blob, etag=combine_etags([etag for _, etag in parts]))
            del self._find_bucket(bucket).uploads[upload_id]
            return self._store(encode_key(key), _Object(blob, made.content))

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away."""
        with self._lock:
            self._find_upload(bucket, key, upload_id)
            del self._find_bucket(bucket).uploads[upload_id]

    def _store(self, encoded: bytes, made: _Object) -> Blob:
        with self._lock:
            self._find_bucket(made.blob.bucket).objects[encoded] = made
        return made.blob

    def _find_bucket(self, bucket: str) -> _Bucket:
        check_bucket_name(bucket)
        found = self._buckets.get(bucket)
        if found is None:
            raise BucketNotFoundError(bucket)
        return found

    def _find_object(self, bucket: str, key: str) -> _Object:
        encoded = encode_key(key)
        found = self._find_bucket(bucket).objects.get(encoded)
        if found is None:
            raise BlobNotFoundError(bucket, key)
        return found

    def _find_upload(self, bucket: str, key: str, upload_id: str) -> _Upload:
        encode_key(key)
        upload = self._find_bucket(bucket).uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise UploadNotFoundError(upload_id)
        return upload


class _SortedKeys:
    """A walk through a list of sorted keys."""

    def __init__(self, keys: list[bytes], listing: Listing) -> None:
        self._keys = keys
        self._prefix = listing.prefix
        self._next = max(bisect_left(keys, listing.prefix), bisect_right(keys, listing.start_after))

    def __iter__(self) -> _SortedKeys:
        return self

    def __next__(self) -> bytes:
        if self._next >= len(self._keys) or not self._keys[self._next].startswith(self._prefix):
            raise StopIteration
        self._next += 1
        return self._keys[self._next - 1]

    def skip(self, prefix: bytes) -> None:
        """Pass over every further key with this prefix."""
        while self._next < len(self._keys) and self._keys[self._next].startswith(prefix):
            self._next += 1


def _make_object(bucket: str, key: str, content: BinaryIO, content_type: str, metadata: Mapping[str, str]) -> _Object:
    data = b"".join(iter(lambda: content.read(_COPY_BYTES), b""))
    blob = Blob(
        bucket=bucket,
        key=key,
        size=len(data),
        etag=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        modified_at=datetime.now(UTC),
        content_type=content_type,
        metadata=_lower_keys(metadata),
    )
    return _Object(blob, data)


def _lower_keys(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in metadata.items()}
