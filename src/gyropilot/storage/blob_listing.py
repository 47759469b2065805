"""Builds one page of a listing from keys in order: prefixes, limits and where to go on, the same for every store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from gyropilot.service.ports import Blob, BlobPage
from gyropilot.storage.blob_names import encode_key_part


class KeyWalk(Protocol):
    """Goes through keys in ascending order of their bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        ...

    def __next__(self) -> bytes:
        """Return the next key."""
        ...

    def skip(self, prefix: bytes) -> None:
        """Pass over every further key with this prefix, without looking at each."""
        ...


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What was asked for, in bytes."""

    prefix: bytes
    delimiter: bytes
    start_after: bytes
    limit: int

    @classmethod
    def parse(cls, *, prefix: str, delimiter: str, start_after: str, limit: int) -> Listing:
        """Encode the texts of a request.

        Raises:
            InvalidBlobKeyError: when one has no UTF-8.
        """
        return cls(
            prefix=encode_key_part(prefix),
            delimiter=encode_key_part(delimiter),
            start_after=encode_key_part(start_after),
            limit=limit,
        )

    def group_of(self, key: bytes) -> bytes:
        """Return the common prefix that stands for this key; empty when it stands for itself."""
        end = key.find(self.delimiter, len(self.prefix)) if self.delimiter else -1
        return b"" if end < 0 else key[: end + len(self.delimiter)]


@dataclass
class _Page:
    blobs: list[Blob] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    count: int = 0
    last: bytes = b""


def build_page(listing: Listing, walk: KeyWalk, head: Callable[[bytes], Blob | None]) -> BlobPage:
    """Collect a page; `head` returns None for an object that vanished since the walk saw its key.

    A common prefix equal to `start_after` was on the page before, so it is not named again.
    """
    page = _Page()
    more = False
    for key in walk:
        group = listing.group_of(key)
        if group:
            walk.skip(group)
            if group == listing.start_after:
                continue
        if page.count >= listing.limit:
            more = True
            break
        _add(page, key, group, head)
    next_start_after = page.last.decode() if more else ""
    return BlobPage(blobs=tuple(page.blobs), prefixes=tuple(page.prefixes), next_start_after=next_start_after)


def _add(page: _Page, key: bytes, group: bytes, head: Callable[[bytes], Blob | None]) -> None:
    if group:
        page.prefixes.append(group.decode())
    else:
        blob = head(key)
        if blob is None:
            return
        page.blobs.append(blob)
    page.count += 1
    page.last = group or key
