"""The content of an object elsewhere, read as it is sent; seeking asks for the rest anew, of the same object only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gyropilot.service.ports import Blob
from gyropilot.storage.positions import RangeReader
from gyropilot.storage.s3_errors import translate_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READ_BYTES = 1 << 20


class RemoteContent(RangeReader):
    """Bytes of an object."""

    def __init__(self, client: Any, blob: Blob, positions: range) -> None:
        super().__init__(positions)
        self._client = client
        self._blob = blob
        self._stream: Any = None
        self._stream_at = 0
        """Where the open answer stands."""
        self._ask()  # now: what is open stays as it is

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read the next bytes.

        Raises:
            BlobChangedError: when the object was replaced and has to be asked for again.
            BlobStoreError: when the answer breaks off.
        """
        view = memoryview(buffer).cast("B")
        count = self._count(min(len(view), READ_BYTES))
        if not count:
            return 0
        if self._stream is None or self._stream_at != self._at:
            self._ask()
        with translate_errors(self._blob.bucket, self._blob.key):
            piece = self._stream.read(count)
        view[: len(piece)] = piece
        self._at += len(piece)
        self._stream_at = self._at
        return len(piece)

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        super().close()

    def _ask(self) -> None:
        self._drop()
        left = self._positions[self._at :]
        if not left:
            return
        blob = self._blob
        with translate_errors(blob.bucket, blob.key):
            answer = self._client.get_object(
                Bucket=blob.bucket,
                Key=blob.key,
                IfMatch=f'"{blob.etag}"',
                Range=f"bytes={left.start}-{left.stop - 1}",
            )
        self._stream, self._stream_at = answer["Body"], self._at

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
