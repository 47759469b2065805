"""The checksums that clients send with bodies."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import BinaryIO, Protocol

PIECE_BYTES = 1 << 20


class Checksum(Protocol):
    """Sums up bytes."""

    def update(self, data: bytes, /) -> object:
        """Take more bytes in."""
        ...

    def digest(self) -> bytes:
        """Return the sum of the bytes so far."""
        ...


class Crc32:
    """The CRC of zip and Ethernet."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the sum of the bytes so far."""
        return self._value.to_bytes(4, "big")


class TabledCrc:
    """A reflected CRC, computed byte by byte from a table: some tens of megabytes a second in Python."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._table = _build_table(polynomial)
        self._mask = (1 << bits) - 1
        self._bytes = bits // 8
        self._value = self._mask

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        value, table = self._value, self._table
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        """Return the sum of the bytes so far."""
        return (self._value ^ self._mask).to_bytes(self._bytes, "big")


@cache
def _build_table(polynomial: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)  # the entry is being computed
        table.append(value)
    return tuple(table)


CHECKSUMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": Crc32,
    "crc32c": lambda: TabledCrc(0x82F63B78, 32),
    "crc64nvme": lambda: TabledCrc(0x9A6C9329AC4BC9B5, 64),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}
"""The checksums that can be verified, by the last part of their headers' names."""

HEADER_PREFIX = "x-amz-checksum-"
NOT_ALGORITHMS = frozenset({"algorithm", "mode", "type"})
"""Last parts of header names with the prefix that carry no checksum."""


def compute(make: Callable[[], Checksum], content: BinaryIO) -> str:
    """Return the checksum of a body in base64, as headers carry it."""
    checksum = make()
    content.seek(0)
    while piece := content.read(PIECE_BYTES):
        checksum.update(piece)
    content.seek(0)
    return base64.b64encode(checksum.digest()).decode()
