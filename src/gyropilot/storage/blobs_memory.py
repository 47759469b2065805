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
    BlobChangedError,
    BlobNotFoundError,
    BucketAlreadyExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    UploadNotFoundError,
)
from gyropilot.service.ports import NO_CHECKSUMS, PLAIN, Blob, BlobPage, BlobPart, BlobProperties, BlobUpload, Bucket
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
    upload: BlobUpload
    properties: BlobProperties
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

    def set_bucket_tags(self, bucket: str, tags: Mapping[str, str]) -> Bucket:
        """Give a bucket other tags."""
        with self._lock:
            found = self._find_bucket(bucket)
            found.bucket = replace(found.bucket, tags=dict(tags))
            return found.bucket

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
        properties: BlobProperties = PLAIN,
        *,
        replaces: str | None = None,
    ) -> Blob:
        """Store an object."""
        encode_key(key)
        self._find_bucket(bucket)
        return self._store(_make_object(bucket, key, content, properties), replaces)

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> Blob:
        """Give an object other tags."""
        with self._lock:
            found = self._find_object(bucket, key)
            return self._store(_Object(replace(found.blob, tags=dict(tags)), found.content), None)

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

    def delete(self, bucket: str, key: str, *, etag: str | None = None) -> None:
        """Remove an object."""
        encoded = encode_key(key)
        with self._lock:
            objects = self._find_bucket(bucket).objects
            if etag is not None:
                self._check_etag(bucket, key, etag)
            objects.pop(encoded, None)

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
        encode_key(key)
        upload = BlobUpload(
            key=key,
            id=uuid.uuid4().hex,
            created_at=datetime.now(UTC),
            checksum_algorithm=checksum_algorithm,
            checksum_type=checksum_type,
        )
        with self._lock:
            self._find_bucket(bucket).uploads[upload.id] = _Upload(upload, properties)
        return upload.id

    def get_upload(self, bucket: str, key: str, upload_id: str) -> BlobUpload:
        """Return an upload."""
        return self._find_upload(bucket, key, upload_id).upload

    def list_uploads(self, bucket: str) -> Sequence[BlobUpload]:
        """Return the bucket's uploads in the order of their keys."""
        with self._lock:
            found = [there.upload for there in self._find_bucket(bucket).uploads.values()]
        return sorted(found, key=lambda upload: (upload.key.encode(), upload.id))

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
        check_part_number(number)
        self._find_upload(bucket, key, upload_id)
        part = _make_object(bucket, key, content, BlobProperties(checksums=checksums))
        with self._lock:
            self._find_upload(bucket, key, upload_id).parts[number] = part
        return part.blob.etag

    def list_parts(self, bucket: str, key: str, upload_id: str) -> Sequence[BlobPart]:
        """Return the parts in the order of their numbers."""
        with self._lock:
            parts = sorted(self._find_upload(bucket, key, upload_id).parts.items())
        return [
            BlobPart(
                number=number,
                size=part.blob.size,
                etag=part.blob.etag,
                modified_at=part.blob.modified_at,
                checksums=part.blob.checksums,
            )
            for number, part in parts
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
        with self._lock:
            found = self._find_upload(bucket, key, upload_id)
            check_parts({number: part.blob.etag for number, part in found.parts.items()}, parts)
            content = io.BytesIO(b"".join(found.parts[number].content for number, _ in parts))
            made = _make_object(bucket, key, content, replace(found.properties, checksums=checksums))
            whole = _Object(replace(made.blob, etag=combine_etags([etag for _, etag in parts])), made.content)
            blob = self._store(whole, replaces)
            del self._find_bucket(bucket).uploads[upload_id]
            return blob

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away."""
        with self._lock:
            self._find_upload(bucket, key, upload_id)
            del self._find_bucket(bucket).uploads[upload_id]

    def _store(self, made: _Object, replaces: str | None) -> Blob:
        blob = made.blob
        with self._lock:
            objects = self._find_bucket(blob.bucket).objects
            if replaces is not None:
                self._check_etag(blob.bucket, blob.key, replaces)
            objects[encode_key(blob.key)] = made
        return blob

    def _check_etag(self, bucket: str, key: str, etag: str) -> None:
        found = self._find_bucket(bucket).objects.get(encode_key(key))
        if etag and found is None:
            raise BlobNotFoundError(bucket, key)
        if (found.blob.etag if found else "") != etag:
            raise BlobChangedError(bucket, key)

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
        found = self._find_bucket(bucket).uploads.get(upload_id)
        if found is None or found.upload.key != key:
            raise UploadNotFoundError(upload_id)
        return found


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


def _make_object(bucket: str, key: str, content: BinaryIO, properties: BlobProperties) -> _Object:
    data = b"".join(iter(lambda: content.read(_COPY_BYTES), b""))
    blob = Blob(
        bucket=bucket,
        key=key,
        size=len(data),
        etag=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        modified_at=datetime.now(UTC),
        content_type=properties.content_type,
        headers=dict(properties.headers),
        metadata={name.lower(): value for name, value in properties.metadata.items()},
        tags=dict(properties.tags),
        checksums=dict(properties.checksums),
    )
    return _Object(blob, data)
