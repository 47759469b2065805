"""Blobs in a folder: one file per object, made elsewhere in the folder and renamed into place.

temporary/                    files in the making; what a crash left is removed at a later opening
buckets/NAME/bucket.json      when the bucket was made
buckets/NAME/objects/…        one file per object (`key_paths.py`, `blob_files.py`); a bucket is while this exists
buckets/NAME/uploads/ID/…     multipart uploads (`blob_uploads.py`)
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketAlreadyExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
)
from gyropilot.service.ports import Blob, BlobPage, Bucket
from gyropilot.storage.atomic import flush_folder, write_atomically
from gyropilot.storage.blob_files import Label, make_reader, open_blob_file, read_blob, write_blob_file
from gyropilot.storage.blob_listing import Listing, build_page
from gyropilot.storage.blob_names import check_bucket_name, encode_key
from gyropilot.storage.blob_ranges import resolve_range
from gyropilot.storage.blob_uploads import FolderUploads
from gyropilot.storage.folder_trees import make_folders, prune_empty_folders, prune_upwards
from gyropilot.storage.key_paths import FolderWalk, locate_key
from gyropilot.storage.locks import hold_lock

_STALE_SECONDS = 24 * 3600.0
"""A file that was not written to for so long belongs to nobody: each piece of a slow upload makes it young again."""


class FolderBlobStore:
    """A `BlobStore` in a folder of this machine, shared by any number of processes."""

    def __init__(self, root: Path) -> None:
        self._buckets = root / "buckets"
        self._temporary = root / "temporary"
        self._bucket_lock = root / "buckets.lock"
        for folder in (self._buckets, self._temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_stale(self._temporary)

    def create_bucket(self, bucket: str) -> Bucket:
        """Make a bucket."""
        check_bucket_name(bucket)
        made = Bucket(name=bucket, created_at=datetime.now(UTC))
        prepared = self._temporary / uuid.uuid4().hex
        (prepared / "objects").mkdir(parents=True)
        (prepared / "uploads").mkdir()
        write_atomically(prepared / "bucket.json", msgspec.json.encode(made))
        with hold_lock(self._bucket_lock):
            self._finish_deletion(bucket)
            try:
                prepared.rename(self._buckets / bucket)
            except OSError:  # a folder replaces an empty one only, and no bucket's folder is ever empty
                shutil.rmtree(prepared)
                raise BucketAlreadyExistsError(bucket) from None
            flush_folder(self._buckets)
        return made

    def get_bucket(self, bucket: str) -> Bucket:
        """Return a bucket."""
        folder = self._find_bucket(bucket)
        try:
            return msgspec.json.decode((folder / "bucket.json").read_bytes(), type=Bucket)
        except FileNotFoundError:
            raise BucketNotFoundError(bucket) from None

    def list_buckets(self) -> Sequence[Bucket]:
        """Return all buckets in the order of their names."""
        buckets = []
        for name in sorted(folder.name for folder in self._buckets.iterdir()):
            with contextlib.suppress(BucketNotFoundError):
                buckets.append(self.get_bucket(name))
        return buckets

    def delete_bucket(self, bucket: str) -> None:
        """Remove an empty bucket."""
        objects = self._find_bucket(bucket) / "objects"
        if next(FolderWalk(objects), None) is not None:
            raise BucketNotEmptyError(bucket)
        with hold_lock(self._bucket_lock):
            prune_empty_folders(objects)
            try:
                objects.rmdir()  # the moment of deletion: it fails when there is an object, and none can come after it
            except FileNotFoundError:
                raise BucketNotFoundError(bucket) from None
            except OSError:
                raise BucketNotEmptyError(bucket) from None
            self._finish_deletion(bucket)

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
        encode_key(key)
        self._find_bucket(bucket)
        label = Label(bucket=bucket, key=key, content_type=content_type, metadata=metadata or {})
        return self._place(label, content)

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
        objects = self._find_bucket(bucket) / "objects"
        listing = Listing.parse(prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        walk = FolderWalk(objects, prefix=listing.prefix, start_after=listing.start_after)
        return build_page(listing, walk, lambda key: _read_blob_if_there(objects / locate_key(key)))

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        path = self._locate(bucket, key)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            flush_folder(path.parent)
            prune_upwards(path.parent, self._buckets / bucket / "objects")

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
        label = Label(bucket=bucket, key=key, content_type=content_type, metadata=metadata or {})
        return self._uploads_of(bucket).create(label)

    def put_part(self, bucket: str, key: str, upload_id: str, number: int, content: BinaryIO) -> str:
        """Store one part and return its ETag."""
        encode_key(key)
        return self._uploads_of(bucket).put_part(key, upload_id, number, content)

    def complete_upload(self, bucket: str, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> Blob:
        """Make the object of the parts."""
        encode_key(key)
        uploads = self._uploads_of(bucket)
        with uploads.join_parts(key, upload_id, parts) as (label, content, etag):
            blob = self._place(label, content, etag=etag)
        uploads.remove(key, upload_id)
        return blob

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away."""
        encode_key(key)
        self._uploads_of(bucket).remove(key, upload_id)

    def _place(self, label: Label, content: BinaryIO, *, etag: str = "") -> Blob:
        temporary = self._temporary / uuid.uuid4().hex
        try:
            blob = write_blob_file(temporary, content, label, etag=etag)
            self._move_into_place(temporary, label)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return blob

    def _move_into_place(self, temporary: Path, label: Label) -> None:
        objects = self._buckets / label.bucket / "objects"
        path = objects / locate_key(encode_key(label.key))
        while objects.is_dir():
            # Again and again: a delete may remove the folder that it left empty between its making and the rename.
            with contextlib.suppress(FileNotFoundError):
                make_folders(path.parent, objects)
                temporary.replace(path)
                flush_folder(path.parent)
                return
        raise BucketNotFoundError(label.bucket)

    def _find_bucket(self, bucket: str) -> Path:
        check_bucket_name(bucket)
        folder = self._buckets / bucket
        if not (folder / "objects").is_dir():
            raise BucketNotFoundError(bucket)
        return folder

    def _locate(self, bucket: str, key: str) -> Path:
        encoded = encode_key(key)
        return self._find_bucket(bucket) / "objects" / locate_key(encoded)

    def _uploads_of(self, bucket: str) -> FolderUploads:
        return FolderUploads(self._find_bucket(bucket) / "uploads", self._temporary)

    def _finish_deletion(self, bucket: str) -> None:
        """Remove what is left of a deleted bucket, also when its deletion was cut short by a crash."""
        folder = self._buckets / bucket
        if not (folder / "objects").is_dir():
            with contextlib.suppress(FileNotFoundError):
                doomed = folder.rename(self._temporary / uuid.uuid4().hex)
                flush_folder(self._buckets)
                shutil.rmtree(doomed)


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
