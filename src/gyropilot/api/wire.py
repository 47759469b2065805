"""A request and an answer as they are on the wire, whatever HTTP library carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True, kw_only=True)
class WireRequest:
    """One HTTP request."""

    method: str
    """The method in capitals."""
    path: str
    """The path as it was sent, percent signs and all: signatures are computed over it."""
    query: str
    """The query string as it was sent, without the question mark."""
    headers: Mapping[str, str]
    """Headers with keys in lower case; a header sent several times is joined with commas."""
    body: BinaryIO
    """The body, at its start."""
    length: int
    """Bytes of body."""

    def header(self, name: str) -> str:
        """Return a header's value, or nothing."""
        return self.headers.get(name, "")

    def read_body(self) -> bytes:
        """Return the whole body, and leave it at its start; it must be one that can seek."""
        self.body.seek(0)
        content = self.body.read()
        self.body.seek(0)
        return content


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Content that is sent piece by piece; whoever sends it closes it, also when sending fails."""

    content: BinaryIO
    """Where the bytes come from."""
    length: int
    """How many bytes there are."""
    close: Callable[[], object]
    """Lets go of the source."""


@dataclass(frozen=True, kw_only=True)
class WireResponse:
    """One HTTP answer."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers, as they are to be spelled."""
    body: bytes | Stream = b""
    """The body, whole or as a stream."""
