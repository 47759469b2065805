"""Where a reader of a part of some content stands."""

from __future__ import annotations

import io


class RangeReader(io.RawIOBase):
    """Bytes of a range; positions count from its start. A subclass reads them."""

    def __init__(self, positions: range) -> None:
        self._positions = positions
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can seek."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; nothing is fetched before it is read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._positions)}[whence]
        if start + offset < 0:
            raise ValueError("cannot seek to before the start")
        self._at = start + offset
        return self._at

    def _count(self, wanted: int) -> int:
        """Return how many of so many bytes are left."""
        return max(0, min(wanted, len(self._positions) - self._at))
