"""Copies content into a file as fast as its source gives it: summing up and the disk have threads of their own."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Protocol

_COPY_BYTES = 4 << 20
"""More than a source has ready at once, so that its pieces need not be cut."""
_AHEAD = 2
"""How many pieces may wait to be summed up."""
_FLUSH_BYTES = 64 << 20
"""After how much the disk is given work, so that little is left for the end."""


class Digest(Protocol):
    """Sums up bytes; releases the interpreter meanwhile."""

    def update(self, data: bytes, /) -> object:
        """Take more bytes in."""
        ...


def copy_content(content: BinaryIO, file: BinaryIO, digest: Digest | None) -> int:
    """Write what `content` still holds to a file, sum it up, and return its length; the file is not flushed."""
    first = content.read(_COPY_BYTES)
    second = content.read(_COPY_BYTES) if first else b""
    if second:
        return _copy_long([first, second], content, file, digest)
    file.write(first)
    if digest is not None:
        digest.update(first)
    return len(first)


def _copy_long(pieces: list[bytes], content: BinaryIO, file: BinaryIO, digest: Digest | None) -> int:
    waiting = deque(pieces)
    size = flushed = 0
    sums: deque[Future[object]] = deque()
    flush: Future[None] | None = None
    with ThreadPoolExecutor(1) as summing, ThreadPoolExecutor(1) as flushing:
        while piece := waiting.popleft() if waiting else content.read(_COPY_BYTES):
            if digest is not None:
                sums.append(summing.submit(digest.update, piece))
            file.write(piece)
            size += len(piece)
            if len(sums) > _AHEAD:
                sums.popleft().result()
            if size - flushed >= _FLUSH_BYTES and (flush is None or flush.done()):
                flush, flushed = _begin_flush(flushing, flush, file), size
    if flush is not None:
        flush.result()
    return size


def _begin_flush(flushing: ThreadPoolExecutor, before: Future[None] | None, file: BinaryIO) -> Future[None]:
    if before is not None:
        before.result()  # a failure is told once: the flush at the end would not see it
    file.flush()
    return flushing.submit(os.fdatasync, file.fileno())
