"""Blobs in a folder: one file per object, made elsewhere in the folder and renamed into place.

temporary/                    files in the making; what a crash left is removed at a later opening
buckets/NAME/bucket.json      what is known of the bucket (`blob_buckets.py`)
buckets/NAME/objects/…        one file per object (`key_paths.py`, `blob_files.py`); a bucket is while this exists
buckets/NAME/uploads/ID/…     multipart uploads (`blob_uploads.py`)
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gyropilot.service.errors import BlobChangedError, BlobNotFoundError, BucketNotFoundError
from gyropilot.service.ports import NO_CHECKSUMS, PLAIN, Blob, BlobPage, BlobPart, BlobProperties, BlobUpload, Bucket
from gyropilot.storage.atomic import flush_folder
from gyropilot.storage.blob_buckets import FolderBuckets
from gyropilot.storage.blob_files import Label, make_reader, open_blob_file, read_blob, write_blob_file
from gyropilot.storage.blob_listing import Listing, build_page
from gyropilot.storage.blob_names import encode_key
from gyropilot.storage.blob_ranges import resolve_range
from gyropilot.storage.blob_uploads import FolderUploads, remove_stale_uploads
from gyropilot.storage.folder_trees import make_folders, prune_upwards
from gyropilot.storage.key_paths import FolderWalk, locate_key

_STALE_SECONDS = 24 * 3600.0
"""A file that was not written to for so long belongs to nobody: each piece of a slow upload makes it young again."""

Guard = Callable[[Blob | None], None]
"""Looks at the object whose place is to be taken, and raises when it may not be."""


class FolderBlobStore:
    """A `BlobStore` in a folder of this machine, shared by any number of processes."""

    def __init__(self, root: Path) -> None:
        self._temporary = root / "temporary"
        self._temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._buckets = FolderBuckets(root, self._temporary)
        remove_stale_uploads(root / "buckets", self._temporary)
        _remove_stale(self._temporary)

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
        """Return all buckets in the order of their names."""
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
        """Store an object."""
        encode_key(key)
        self._buckets.find(bucket)
        return self._place(
            Label(bucket=bucket, key=key, properties=properties), content, _expect(bucket, key, replaces)
        )

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> Blob:
        """Give an object other tags: its file is written anew, and again when another one took its place meanwhile."""
        while True:
            with self.open(bucket, key) as (blob, content):
                properties = replace(blob.properties, tags=tags)
                label = Label(bucket=bucket, key=key, properties=properties, modified_at=blob.modified_at)
                with contextlib.suppress(BlobChangedError):
                    return self._place(label, content, _expect_same(blob), etag=blob.etag)

    def head(self, bucket: str, key: str) -> Blob:
        """Return what is known of an object."""
        try:
            return read_blob(self._locate(bucket, key))
        except FileNotFoundError:
            raise BlobNotFoundError(bucket, key) from None

    @contextmanager
    def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[Blob, BinaryIO]]:
        """Open an object for reading; the file can seek."""
        with contextlib.ExitStack() as stack:
            try:
                blob, descriptor = stack.enter_context(open_blob_file(self._locate(bucket, key)))
            except FileNotFoundError:
                raise BlobNotFoundError(bucket, key) from None
            with make_reader(descriptor, resolve_range(blob.size, first, last)) as content:
                yield blob, content

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> BlobPage:
        """Return objects and common prefixes in order of their keys."""
        objects = self._buckets.find(bucket) / "objects"
        listing = Listing.parse(prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        walk = FolderWalk(objects, prefix=listing.prefix, start_after=listing.start_after)
        return build_page(listing, walk, lambda key: _read_blob_if_there(objects / locate_key(key)))

    def delete(self, bucket: str, key: str, *, etag: str | None = None) -> None:
        """Remove an object."""
        path, guard = self._locate(bucket, key), _expect(bucket, key, etag)
        with self._buckets.change_objects(bucket, alone=guard is not None) as objects:
            if guard is not None:
                guard(_read_blob_if_there(path))
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                flush_folder(path.parent)
                prune_upwards(path.parent, objects)

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
        return self._uploads_of(bucket).create(key, properties, checksum_algorithm, checksum_type)

    def get_upload(self, bucket: str, key: str, upload_id: str) -> BlobUpload:
        """Return an upload."""
        encode_key(key)
        return self._uploads_of(bucket).get(key, upload_id)

    def list_uploads(self, bucket: str) -> Sequence[BlobUpload]:
        """Return the bucket's uploads in the order of their keys."""
        return self._uploads_of(bucket).list()

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
        encode_key(key)
        label = Label(bucket=bucket, key=key, properties=BlobProperties(checksums=checksums))
        return self._uploads_of(bucket).put_part(label, upload_id, number, content)

    def list_parts(self, bucket: str, key: str, upload_id: str) -> Sequence[BlobPart]:
        """Return the parts in the order of their numbers."""
        encode_key(key)
        return self._uploads_of(bucket).list_parts(key, upload_id)

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
        encode_key(key)
        uploads = self._uploads_of(bucket)
        properties = replace(uploads.get(key, upload_id).properties, checksums=checksums)
        label = Label(bucket=bucket, key=key, properties=properties)
        with uploads.join_parts(key, upload_id, parts) as (content, etag):
            blob = self._place(label, content, _expect(bucket, key, replaces), etag=etag)
        uploads.remove(key, upload_id)
        return blob

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away."""
        encode_key(key)
        self._uploads_of(bucket).remove(key, upload_id)

    def _place(self, label: Label, content: BinaryIO, guard: Guard | None, *, etag: str = "") -> Blob:
        temporary = self._temporary / uuid.uuid4().hex
        try:
            blob = write_blob_file(temporary, content, label, etag=etag)
            with self._buckets.change_objects(label.bucket, alone=guard is not None) as objects:
                path = objects / locate_key(encode_key(label.key))
                if guard is not None:
                    guard(_read_blob_if_there(path))
                _move(temporary, path, objects, label.bucket)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return blob

    def _locate(self, bucket: str, key: str) -> Path:
        encoded = encode_key(key)
        return self._buckets.find(bucket) / "objects" / locate_key(encoded)

    def _uploads_of(self, bucket: str) -> FolderUploads:
        return FolderUploads(self._buckets.find(bucket) / "uploads", self._temporary)


def _expect(bucket: str, key: str, etag: str | None) -> Guard | None:
    """Return what lets only the object with this ETag be replaced; empty: none; None: whichever."""
    if etag is None:
        return None

    def check(there: Blob | None) -> None:
        if etag and there is None:
            raise BlobNotFoundError(bucket, key)
        if (there.etag if there else "") != etag:
            raise BlobChangedError(bucket, key)

    return check


def _expect_same(blob: Blob) -> Guard:
    def check(there: Blob | None) -> None:
        if there is None:
            raise BlobNotFoundError(blob.bucket, blob.key)
        if there != blob:
            raise BlobChangedError(blob.bucket, blob.key)

    return check


def _move(temporary: Path, path: Path, objects: Path, bucket: str) -> None:
    while objects.is_dir():
        # Again and again: a delete may remove the folder that it left empty between its making and the rename.
        try:
            make_folders(path.parent, objects)
            temporary.replace(path)
        except FileNotFoundError:
            continue
        with contextlib.suppress(FileNotFoundError):  # deleted again already
            flush_folder(path.parent)
        return
    raise BucketNotFoundError(bucket)


def _read_blob_if_there(path: Path) -> Blob | None:
    with contextlib.suppress(FileNotFoundError):
        return read_blob(path)
    return None


def _remove_stale(temporary: Path) -> None:
    oldest = time.time() - _STALE_SECONDS
    for path in temporary.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime >= oldest:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
