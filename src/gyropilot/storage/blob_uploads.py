"""Multipart uploads in a folder: they outlive the process, so a client can go on after a restart.

ID/upload.json    whose upload it is
ID/PART           one file per part, like an object's: its footer knows its ETag
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gyropilot.service.errors import UploadNotFoundError
from gyropilot.storage.atomic import flush_folder, write_atomically
from gyropilot.storage.blob_files import Label, make_reader, open_blob_file, read_blob, write_blob_file
from gyropilot.storage.blob_names import check_part_number
from gyropilot.storage.blob_parts import check_parts, combine_etags

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_LABEL = "upload.json"


class FolderUploads:
    """The uploads of one bucket."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder = folder
        self._temporary = temporary

    def create(self, label: Label) -> str:
        """Begin an upload and return its id."""
        upload_id = uuid.uuid4().hex
        prepared = self._temporary / upload_id
        prepared.mkdir()
        write_atomically(prepared / _LABEL, msgspec.json.encode(label))
        prepared.rename(self._folder / upload_id)
        flush_folder(self._folder)
        return upload_id

    def put_part(self, key: str, upload_id: str, number: int, content: BinaryIO) -> str:
        """Store one part and return its ETag."""
        check_part_number(number)
        label = self._read_label(key, upload_id)
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
    def join_parts(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> Iterator[tuple[Label, BinaryIO, str]]:
        """Give what the upload is to be, the content of these parts as one file, and its ETag.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
            InvalidPartError: when the parts are not those that were sent.
        """
        label = self._read_label(key, upload_id)
        folder = self._folder / upload_id
        try:
            sent = {int(path.name): read_blob(path).etag for path in folder.iterdir() if path.name.isdecimal()}
        except FileNotFoundError:
            raise UploadNotFoundError(upload_id) from None
        check_parts(sent, parts)
        joined = _JoinedParts([folder / str(number) for number, _ in parts])
        with io.BufferedReader(joined) as content:
            yield label, content, combine_etags([etag for _, etag in parts])

    def remove(self, key: str, upload_id: str) -> None:
        """Throw an upload and its parts away.

        Raises:
            UploadNotFoundError: when there is no such upload of this key.
        """
        self._read_label(key, upload_id)
        doomed = self._temporary / uuid.uuid4().hex
        try:
            (self._folder / upload_id).rename(doomed)
        except FileNotFoundError:
            raise UploadNotFoundError(upload_id) from None
        flush_folder(self._folder)
        shutil.rmtree(doomed)

    def _read_label(self, key: str, upload_id: str) -> Label:
        # The id becomes a path: only what looks like ours may.
        if _UPLOAD_ID.fullmatch(upload_id):
            with contextlib.suppress(FileNotFoundError):
                label = msgspec.json.decode((self._folder / upload_id / _LABEL).read_bytes(), type=Label)
                if label.key == key:
                    return label
        raise UploadNotFoundError(upload_id)


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
