"""One object in one file: its content from the first byte on, then a footer with all that is known of it.

One file, because only then content and metadata appear by one rename; a footer, because the MD5 is known last. The file
ends with the footer's length (8 bytes, big-endian) and a mark (8 bytes).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gyropilot.service.ports import Blob, BlobProperties
from gyropilot.storage.atomic import flush_to_disk
from gyropilot.storage.content_copy import copy_content
from gyropilot.storage.positions import RangeReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MARK = b"GYROBLB1"
_TAIL_BYTES = 8 + len(_MARK)
_GUESS_BYTES = 1024
"""Read at once from the end: nearly every footer is shorter."""
_BUFFER_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Label:
    """What is known of an object before its content is."""

    bucket: str
    key: str
    properties: BlobProperties
    modified_at: datetime | None = None
    """When it was written; None: now."""

    def describe(self, size: int, etag: str) -> Blob:
        """Return the object's description."""
        stated = self.properties
        return Blob(
            bucket=self.bucket,
            key=self.key,
            size=size,
            etag=etag,
            modified_at=self.modified_at or datetime.now(UTC),
            content_type=stated.content_type,
            headers=dict(stated.headers),
            metadata={name.lower(): value for name, value in stated.metadata.items()},
            tags=dict(stated.tags),
            checksums=dict(stated.checksums),
        )


def write_blob_file(path: Path, content: BinaryIO, label: Label, *, etag: str = "") -> Blob:
    """Write a new file and wait until it is on the disk; without an ETag the content's MD5 is taken."""
    digest = None if etag else hashlib.md5(usedforsecurity=False)
    with path.open("xb") as file:
        size = copy_content(content, file, digest)
        blob = label.describe(size, etag if digest is None else digest.hexdigest())
        footer = msgspec.json.encode(blob)
        file.write(footer + len(footer).to_bytes(8, "big") + _MARK)
        file.flush()
        flush_to_disk(file.fileno())
    return blob


def read_blob(path: Path) -> Blob:
    """Return what is known of the object in a file.

    Raises:
        FileNotFoundError: when there is none.
        OSError: when the file is damaged.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _read_footer(descriptor, path)
    finally:
        os.close(descriptor)


@contextmanager
def open_blob_file(path: Path) -> Iterator[tuple[Blob, int]]:
    """Give the description and a descriptor; the content stays as long as it is open, whatever becomes of the name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield _read_footer(descriptor, path), descriptor
    finally:
        os.close(descriptor)


def make_reader(descriptor: int, positions: range) -> BinaryIO:
    """Return a file of the bytes at these positions; it can seek, and does not own the descriptor."""
    return io.BufferedReader(_Slice(descriptor, positions), _BUFFER_BYTES)


def _read_footer(descriptor: int, path: Path) -> Blob:
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _GUESS_BYTES, max(0, size - _GUESS_BYTES))
    if not end.endswith(_MARK):
        raise OSError(f"{path} is damaged: its footer is missing")
    length = int.from_bytes(end[-_TAIL_BYTES : -len(_MARK)], "big")
    if length + _TAIL_BYTES > len(end):
        end = os.pread(descriptor, length + _TAIL_BYTES, max(0, size - length - _TAIL_BYTES))
    try:
        return msgspec.json.decode(end[-_TAIL_BYTES - length : -_TAIL_BYTES], type=Blob)
    except msgspec.DecodeError as error:
        raise OSError(f"{path} is damaged: its footer cannot be read") from error


class _Slice(RangeReader):
    """A part of an open file, read without moving the file's own position."""

    def __init__(self, descriptor: int, positions: range) -> None:
        super().__init__(positions)
        self._descriptor = descriptor

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        count = self._count(len(view))
        done = os.preadv(self._descriptor, [view[:count]], self._positions.start + self._at) if count else 0
        self._at += done
        return done
