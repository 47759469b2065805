"""What a transform job has written, kept in its folder: whoever takes the job up again goes on from there."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gyropilot.engine.files import write_file
from gyropilot.service.errors import BlobChangedError, BlobNotFoundError, BucketNotFoundError, UploadNotFoundError
from gyropilot.service.ports import Blob, BlobStore
from gyropilot.service.transform_inputs import TransformInput


class _Written(msgspec.Struct, frozen=True):
    """One object that was written."""

    bucket: str
    key: str
    etag: str


class _Begun(msgspec.Struct, frozen=True):
    """An upload that was begun."""

    bucket: str
    key: str
    upload: str


class Ledger:
    """Notes of one job; each is a file that appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._done = folder / "done"
        self._upload = folder / "upload.json"
        self._done.mkdir(parents=True, exist_ok=True)

    def has_done(self, source: TransformInput) -> bool:
        """Tell whether the predictions of an object were written, which has not changed since."""
        return self._note_of(source).exists()

    def note_done(self, source: TransformInput, output: Blob) -> None:
        """Note that the predictions of an object were written."""
        note = msgspec.json.encode(_Written(output.bucket, output.key, output.etag))
        write_file(self._note_of(source), note)
        self._upload.unlink(missing_ok=True)

    def note_upload(self, source: TransformInput, upload: str) -> None:
        """Note that an upload was begun."""
        note = msgspec.json.encode(_Begun(source.output.bucket, source.output.key, upload))
        write_file(self._upload, note)

    def abort_upload(self, blobs: BlobStore) -> None:
        """Throw away the upload that was left behind, if there is one."""
        with contextlib.suppress(FileNotFoundError, UploadNotFoundError, BucketNotFoundError):
            begun = msgspec.json.decode(self._upload.read_bytes(), type=_Begun)
            blobs.abort_upload(begun.bucket, begun.key, begun.upload)
        self._upload.unlink(missing_ok=True)

    def remove_outputs(self, blobs: BlobStore) -> None:
        """Remove what was written; what was replaced meanwhile is somebody else's."""
        for written in self._read_all():
            with contextlib.suppress(BlobChangedError, BlobNotFoundError, BucketNotFoundError):
                blobs.delete(written.bucket, written.key, etag=written.etag)

    def _read_all(self) -> Iterator[_Written]:
        for path in self._done.glob("*.json"):
            yield msgspec.json.decode(path.read_bytes(), type=_Written)

    def _note_of(self, source: TransformInput) -> Path:
        name = hashlib.sha256(f"{source.uri}\n{source.blob.etag}\n{source.output}".encode()).hexdigest()
        return self._done / f"{name}.json"
