"""Writes an object as its content comes: it appears whole or not at all, and little of it is held in memory."""

from __future__ import annotations

import io
from collections.abc import Callable

from gyropilot.service.locations import Location
from gyropilot.service.ports import Blob, BlobProperties, BlobStore

PART_BYTES = 8 << 20
"""Bytes of a part at least: stores elsewhere take none below 5 MiB but the last."""
PARTS_PER_SIZE = 1000
"""After so many parts they grow, so that their numbers suffice for whatever length."""


class OutputWriter:
    """Stores what is written as one object; a short one with one call, a long one in parts.

    Args:
        blobs: where it is stored.
        place: bucket and key.
        content_type: its media type.
        on_upload: called with the id of a multipart upload when one is begun.
    """

    def __init__(
        self, blobs: BlobStore, place: Location, content_type: str, *, on_upload: Callable[[str], None]
    ) -> None:
        self._blobs = blobs
        self._place = place
        self._properties = BlobProperties(content_type=content_type)
        self._on_upload = on_upload
        self._waiting = bytearray()
        self._upload = ""
        self._parts: list[tuple[int, str]] = []

    def write(self, content: bytes) -> None:
        """Add content at the end."""
        self._waiting += content
        if len(self._waiting) >= PART_BYTES * (1 + len(self._parts) // PARTS_PER_SIZE):
            self._send()

    def finish(self) -> Blob:
        """Let the object appear."""
        bucket, key = self._place.bucket, self._place.key
        if not self._upload:
            return self._blobs.put(bucket, key, io.BytesIO(self._waiting), self._properties)
        if self._waiting:
            self._send()
        return self._blobs.complete_upload(bucket, key, self._upload, self._parts)

    def abort(self) -> None:
        """Throw away what was written."""
        if self._upload:
            self._blobs.abort_upload(self._place.bucket, self._place.key, self._upload)

    def _send(self) -> None:
        bucket, key = self._place.bucket, self._place.key
        if not self._upload:
            self._upload = self._blobs.create_upload(bucket, key, self._properties)
            self._on_upload(self._upload)
        number = len(self._parts) + 1
        etag = self._blobs.put_part(bucket, key, self._upload, number, io.BytesIO(self._waiting))
        self._parts.append((number, etag))
        self._waiting = bytearray()
