"""Buckets as folders; a bucket is while its folder `objects` exists.

NAME/bucket.json      when the bucket was made, and its tags
NAME/objects.lock     held by whoever changes an object: shared, or alone where the change depends on what is there
NAME/objects/         one file per object
NAME/uploads/         multipart uploads
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gyropilot.service.errors import BucketAlreadyExistsError, BucketNotEmptyError, BucketNotFoundError
from gyropilot.service.ports import Bucket
from gyropilot.storage.atomic import flush_folder, write_atomically
from gyropilot.storage.blob_names import check_bucket_name
from gyropilot.storage.folder_trees import prune_empty_folders
from gyropilot.storage.key_paths import FolderWalk
from gyropilot.storage.locks import hold_lock


class FolderBuckets:
    """The buckets of a folder."""

    def __init__(self, root: Path, temporary: Path) -> None:
        self._root = root / "buckets"
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = root / "buckets.lock"
        self._temporary = temporary

    def create(self, bucket: str) -> Bucket:
        """Make a bucket."""
        check_bucket_name(bucket)
        made = Bucket(name=bucket, created_at=datetime.now(UTC))
        prepared = self._temporary / uuid.uuid4().hex
        (prepared / "objects").mkdir(parents=True)
        (prepared / "uploads").mkdir()
        write_atomically(prepared / "bucket.json", msgspec.json.encode(made))
        with hold_lock(self._lock):
            self._finish_deletion(bucket)
            try:
                prepared.rename(self._root / bucket)
            except OSError:  # a folder replaces an empty one only, and no bucket's folder is ever empty
                shutil.rmtree(prepared)
                raise BucketAlreadyExistsError(bucket) from None
            flush_folder(self._root)
        return made

    def get(self, bucket: str) -> Bucket:
        """Return a bucket."""
        folder = self.find(bucket)
        try:
            return msgspec.json.decode((folder / "bucket.json").read_bytes(), type=Bucket)
        except FileNotFoundError:
            raise BucketNotFoundError(bucket) from None

    def set_tags(self, bucket: str, tags: Mapping[str, str]) -> Bucket:
        """Give a bucket other tags."""
        with hold_lock(self._lock):
            changed = replace(self.get(bucket), tags=dict(tags))
            write_atomically(self._root / bucket / "bucket.json", msgspec.json.encode(changed))
        return changed

    def list(self) -> Sequence[Bucket]:
        """Return all buckets in the order of their names."""
        buckets = []
        for name in sorted(folder.name for folder in self._root.iterdir()):
            with contextlib.suppress(BucketNotFoundError):
                buckets.append(self.get(name))
        return buckets

    def delete(self, bucket: str) -> None:
        """Remove an empty bucket."""
        objects = self.find(bucket) / "objects"
        if next(FolderWalk(objects), None) is not None:
            raise BucketNotEmptyError(bucket)
        with hold_lock(self._lock):
            prune_empty_folders(objects)
            try:
                objects.rmdir()  # the moment of deletion: it fails when there is an object, and none can come after it
            except FileNotFoundError:
                raise BucketNotFoundError(bucket) from None
            except OSError:
                raise BucketNotEmptyError(bucket) from None
            self._finish_deletion(bucket)

    def find(self, bucket: str) -> Path:
        """Return the folder of a bucket.

        Raises:
            InvalidBucketNameError: when the name cannot be a bucket's.
            BucketNotFoundError: when there is none.
        """
        check_bucket_name(bucket)
        folder = self._root / bucket
        if not (folder / "objects").is_dir():
            raise BucketNotFoundError(bucket)
        return folder

    @contextmanager
    def change_objects(self, bucket: str, *, alone: bool) -> Iterator[Path]:
        """Give the folder of the objects, held so that none changes while `alone`."""
        folder = self._root / bucket
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold_lock(folder / "objects.lock", is_shared=not alone))
            except FileNotFoundError:
                raise BucketNotFoundError(bucket) from None
            yield folder / "objects"

    def _finish_deletion(self, bucket: str) -> None:
        """Remove what is left of a deleted bucket, also when its deletion was cut short by a crash."""
        folder = self._root / bucket
        if not (folder / "objects").is_dir():
            with contextlib.suppress(FileNotFoundError):
                doomed = folder.rename(self._temporary / uuid.uuid4().hex)
                flush_folder(self._root)
                shutil.rmtree(doomed)
