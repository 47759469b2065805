"""Multipart uploads in a folder: they outlive the process, so a client can go on after a restart.

ID/upload.json    whose upload it is
ID/PART           one file per part, like an object's: its footer knows its ETag
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gyropilot.service.errors import UploadNotFoundError
from gyropilot.service.ports import BlobPart, BlobProperties, BlobUpload
from gyropilot.storage.atomic import flush_folder, write_atomically
from gyropilot.storage.blob_files import Label, make_reader, open_blob_file, read_blob, write_blob_file
from gyropilot.storage.blob_names import check_part_number
from gyropilot.storage.blob_parts import check_parts, combine_etags

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, kw_only=True)
class StoredUpload(BlobUpload):
    """What is kept of an upload."""

    properties: BlobProperties
    """What its writer stated of the object that it is to be."""


_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_UPLOAD = "upload.json"
_STALE_SECONDS = 7 * 24 * 3600.0
"""An upload that got no part for so long is given up: nobody else would ever remove it."""


class FolderUploads:
    """The uploads of one bucket."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder = folder
        self._temporary = temporary

    def create(self, key: str, properties: BlobProperties, checksum_algorithm: str, checksum_type: str) -> str:
        """Begin an upload and return its id."""
        upload = StoredUpload(
            key=key,
            id=uuid.uuid4().hex,
            created_at=datetime.now(UTC),
            properties=properties,
            checksum_algorithm=checksum_algorithm,
            checksum_type=checksum_type,
        )
        prepared = self._temporary / upload.id
        prepared.mkdir()
        write_atomically(prepared / _UPLOAD, msgspec.json.encode(upload))
        prepared.rename(self._folder / upload.id)
        flush_folder(self._folder)
        return upload.id

    def get(self, key: str, upload_id: str) -> StoredUpload:
        """Return an upload.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        # The id becomes a path: only what looks like ours may.
        if _UPLOAD_ID.fullmatch(upload_id):
            with contextlib.suppress(FileNotFoundError):
                upload = self._read(upload_id)
                if upload.key == key:
                    return upload
        raise UploadNotFoundError(upload_id)

    def list(self) -> Sequence[StoredUpload]:
        """Return the uploads in the order of their keys' bytes, then of their ids."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    found.append(self._read(folder.name))
        return sorted(found, key=lambda upload: (upload.key.encode(), upload.id))

    def _read(self, upload_id: str) -> StoredUpload:
        return msgspec.json.decode((self._folder / upload_id / _UPLOAD).read_bytes(), type=StoredUpload)

    def list_parts(self, key: str, upload_id: str) -> Sequence[BlobPart]:
        """Return the parts in the order of their numbers.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        self.get(key, upload_id)
        try:
            numbers = sorted(int(path.name) for path in (self._folder / upload_id).iterdir() if path.name.isdecimal())
            return [_read_part(self._folder / upload_id, number) for number in numbers]
        except FileNotFoundError:
            raise UploadNotFoundError(upload_id) from None

    def put_part(self, label: Label, upload_id: str, number: int, content: BinaryIO) -> str:
        """Store one part and return its ETag."""
        check_part_number(number)
        self.get(label.key, upload_id)
        folder = self._folder / upload_id
        temporary = self._temporary / uuid.uuid4().hex
        try:
            part = write_blob_file(temporary, content, label)
            temporary.replace(folder / str(number))
            flush_folder(folder)
        except FileNotFoundError:  # aborted meanwhile
            raise UploadNotFoundError(upload_id) from None
        finally:
            temporary.unlink(missing_ok=True)
        return part.etag

    @contextmanager
    def join_parts(self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> Iterator[tuple[BinaryIO, str]]:
        """Give the content of these parts as one file, and its ETag.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
            InvalidPartError: when the parts are not those that were sent.
        """
        check_parts({part.number: part.etag for part in self.list_parts(key, upload_id)}, parts)
        joined = _JoinedParts([self._folder / upload_id / str(number) for number, _ in parts])
        with io.BufferedReader(joined) as content:
            yield content, combine_etags([etag for _, etag in parts])

    def remove(self, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        self.get(key, upload_id)
        doomed = self._temporary / uuid.uuid4().hex
        try:
            (self._folder / upload_id).rename(doomed)
        except FileNotFoundError:
            raise UploadNotFoundError(upload_id) from None
        flush_folder(self._folder)
        shutil.rmtree(doomed)


def _read_part(folder: Path, number: int) -> BlobPart:
    blob = read_blob(folder / str(number))
    return BlobPart(
        number=number, size=blob.size, etag=blob.etag, modified_at=blob.modified_at, checksums=blob.checksums
    )


def remove_stale_uploads(buckets: Path, temporary: Path) -> None:
    """Throw away the uploads, in every bucket, that have not got a part for a week."""
    oldest = time.time() - _STALE_SECONDS
    for folder in buckets.glob("*/uploads/*"):
        with contextlib.suppress(FileNotFoundError):  # completed or aborted meanwhile
            if folder.stat().st_mtime < oldest:  # a folder is as old as its last new part
                doomed = folder.rename(temporary / uuid.uuid4().hex)
                shutil.rmtree(doomed)


class _JoinedParts(io.RawIOBase):
    """Parts one after the other, with one open at a time: there may be 10,000."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = iter(paths)
        self._opened = ExitStack()
        self._part: BinaryIO = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while True:
            data = self._part.read(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
            path = next(self._paths, None)
            if path is None:
                return 0
            self._opened.close()
            blob, descriptor = self._opened.enter_context(open_blob_file(path))
            self._part = make_reader(descriptor, range(blob.size))

    def close(self) -> None:
        self._opened.close()
        super().close()
