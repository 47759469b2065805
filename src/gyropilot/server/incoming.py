"""A body as it comes from the network, for a thread that reads it: however long, only a little of it is in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

from anyio import from_thread
from starlette.requests import ClientDisconnect

from gyropilot.api.errors import ApiError

GATHER_BYTES = 2 << 20
"""Asked for at once: each asking costs a change of threads."""


class IncomingBody(io.RawIOBase):
    """A body that is read once, from its start to its end, in a worker thread of the event loop that receives it.

    Nothing is received before the first reading, so nothing has come when a request is refused by its head. From then
    on the next piece is received while the thread works on the one before.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, limit_bytes: int) -> None:
        self._pieces = pieces
        self._limit = limit_bytes
        self._waiting = b""
        self._at = 0
        self._length = 0
        self._next: asyncio.Task[bytes] | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, fewer than asked for perhaps; nothing at the end.

        Raises:
            ApiError: when the client goes away before the end, or sends more than the limit.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(GATHER_BYTES), b""))
        if size and self._at == len(self._waiting):
            self._waiting, self._at = from_thread.run(self._take), 0
            self._length += len(self._waiting)
            if self._length > self._limit:
                raise ApiError("EntityTooLarge", f"The body must not be longer than {self._limit} bytes.")
        piece = self._waiting[self._at : self._at + size]
        self._at += len(piece)
        return piece

    async def stop(self) -> None:
        """Receive no more; to be called in the event loop when nobody reads any more."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    async def _take(self) -> bytes:
        piece = await (self._next or asyncio.create_task(self._gather()))
        self._next = asyncio.create_task(self._gather())
        return piece

    async def _gather(self) -> bytes:
        gathered: list[bytes] = []
        length = 0
        try:
            async for piece in self._pieces:
                gathered.append(piece)
                length += len(piece)
                if length >= GATHER_BYTES:
                    break
        except ClientDisconnect:
            raise ApiError("IncompleteBody", "The client went away before the end of the body.") from None
        return b"".join(gathered)
