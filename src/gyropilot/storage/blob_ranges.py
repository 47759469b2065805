"""Byte ranges of objects, resolved the same way by every blob store."""

from __future__ import annotations

from gyropilot.service.errors import InvalidRangeError


def resolve_range(size: int, first: int, last: int | None) -> range:
    """Return the positions to read of an object of `size` bytes; a `last` beyond the end means the end.

    Raises:
        InvalidRangeError: when nothing of the object lies in the range. All of an empty object is a valid range.
    """
    if first == 0 and last is None:
        return range(size)
    if not 0 <= first < size or (last is not None and last < first):
        raise InvalidRangeError(f"bytes {first} to {'the end' if last is None else last} are not in {size} bytes")
    return range(first, size if last is None else min(last + 1, size))
