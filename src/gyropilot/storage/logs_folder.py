"""Log lines in files of a folder: one folder per group, one file per stream, one line of JSON per line."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from gyropilot.service.errors import LogStreamNotFoundError
from gyropilot.service.ports import LogLine, LogSpan
from gyropilot.storage.key_paths import FolderWalk, locate_key

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(LogLine)
_BACK_BYTES = 1 << 13
"""Read at once from the end of a file: most last lines are shorter."""


class FolderLogStore:
    """A `LogStore` in a folder of this machine, shared by any number of processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Add lines at the end, all with one write."""
        if not lines:
            return
        content = b"".join(_ENCODER.encode(line) + b"\n" for line in lines)
        path = self._locate(group, stream)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with _hold(descriptor, fcntl.LOCK_EX):
            # A writer that was killed, or a full disk, may have left half a line: it must not take ours with it.
            _write_whole(descriptor, b"\n" + content if _ends_torn(descriptor) else content)

    def read(self, group: str, stream: str, *, start: int = 0, limit: int = 10_000) -> Sequence[LogLine]:
        """Return lines from number `start` on; what cannot be read is passed over and has no number."""
        with self._open(group, stream) as file:
            return list(islice(_decode_lines(file), start, start + limit))

    def span(self, group: str, stream: str) -> LogSpan | None:
        """Return the times of a stream's first and last line."""
        with self._open(group, stream) as file:
            first = next(_decode_lines(file), None)
            if first is None:
                return None
            last = next(_decode_lines(_read_backwards(file)), first)
        return LogSpan(first_at=first.at, last_at=last.at)

    def groups(self, *, prefix: str = "") -> Sequence[str]:
        """Return the names of the groups that begin with the prefix, in order."""
        return [name.decode() for name in FolderWalk(self._root, prefix=prefix.encode())]

    def streams(self, group: str, *, prefix: str = "") -> Sequence[str]:
        """Return the group's stream names that begin with the prefix, in order."""
        folder = self._root / locate_key(group.encode())
        if not folder.is_dir():
            raise LogStreamNotFoundError(group)
        return [name.decode() for name in FolderWalk(folder, prefix=prefix.encode())]

    @contextmanager
    def _open(self, group: str, stream: str) -> Iterator[BinaryIO]:
        """Give a stream's file, to which nothing is appended meanwhile."""
        try:
            descriptor = os.open(self._locate(group, stream), os.O_RDONLY)
        except FileNotFoundError:
            raise LogStreamNotFoundError(stream) from None
        with _hold(descriptor, fcntl.LOCK_SH), os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file

    def _locate(self, group: str, stream: str) -> Path:
        return self._root / locate_key(group.encode()) / locate_key(stream.encode())


@contextmanager
def _hold(descriptor: int, kind: int) -> Iterator[None]:
    """Lock an open file and close it: readers see an append whole or not at all."""
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _read_backwards(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file from its end on."""
    end = file.seek(0, os.SEEK_END)
    rest = b""
    while end:
        begin = max(0, end - _BACK_BYTES)
        file.seek(begin)
        rest = file.read(end - begin) + rest
        end = begin
        head, *lines = rest.split(b"\n")
        yield from reversed(lines)
        rest = head
    yield rest


def _decode_lines(lines: Iterable[bytes]) -> Iterator[LogLine]:
    for line in lines:
        try:
            yield _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
