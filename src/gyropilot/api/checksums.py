"""The checksums that clients send with bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Protocol

from gyropilot.api.errors import ApiError

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


def _make_crc(name: str) -> Checksum:
    from gyropilot.api import crc  # late: it needs NumPy, and nearly every client sends CRC32

    return crc.Crc(getattr(crc, name))


CHECKSUMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": Crc32,
    "crc32c": lambda: _make_crc("CRC32C"),
    "crc64nvme": lambda: _make_crc("CRC64NVME"),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}
"""The checksums that can be verified, by the last part of their headers' names."""

HEADER_PREFIX = "x-amz-checksum-"
NOT_ALGORITHMS = frozenset({"algorithm", "mode", "type"})
"""Last parts of header names with the prefix that carry no checksum."""
MD5_HEADER = "content-md5"


class Trailing(Protocol):
    """A body after which headers come."""

    @property
    def trailers(self) -> Mapping[str, str]:
        """The headers, known when the body was read to its end."""
        ...


class CheckedBody(io.RawIOBase):
    """A body that is summed up while it is read; at its end the sums must be those that were stated."""

    def __init__(
        self,
        body: BinaryIO,
        headers: Mapping[str, str],
        trailing: Trailing | None = None,
        *,
        algorithm: str = "",
    ) -> None:
        """Begin.

        Args:
            body: the content, at its start.
            headers: the request's headers, in which checksums are stated.
            trailing: has those headers that come after the body, which the header `x-amz-trailer` promises.
            algorithm: a checksum to be taken, although nothing is stated to compare it with.

        Raises:
            ApiError: when one of the checksums cannot be computed.
        """
        self._body = body
        self._headers = headers
        self._trailing = trailing
        promised = headers.get("x-amz-trailer", "").lower().split(",") if trailing else []
        self._to_compare = {name.strip() for name in [*headers, *promised]}
        names = self._to_compare | ({HEADER_PREFIX + algorithm} if algorithm else set())
        self._sums = {name: _make_checksum(kind) for name in names if (kind := _algorithm_of(name))}
        self._is_finished = False
        self.checksums: dict[str, str] = {}
        """The checksums that were found right, by algorithm; there when the body was read to its end."""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, fewer than asked for perhaps; nothing at the end, once that is found right."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        piece = self._body.read(size) if size else b""
        for checksum in self._sums.values():
            checksum.update(piece)
        if size and not piece and not self._is_finished:
            self._finish()
        return piece

    def _finish(self) -> None:
        self._is_finished = True
        stated = {**self._headers, **(self._trailing.trailers if self._trailing else {})}
        for name, checksum in self._sums.items():
            value = base64.b64encode(checksum.digest()).decode()
            if name in self._to_compare and not hmac.compare_digest(value.encode(), stated.get(name, "").encode()):
                algorithm = _algorithm_of(name).upper()
                raise ApiError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
            if name != MD5_HEADER:
                self.checksums[_algorithm_of(name)] = value


def _algorithm_of(name: str) -> str:
    """Return the algorithm of a header's checksum; empty when the header carries none."""
    if name == MD5_HEADER:
        return "md5"
    algorithm = name.removeprefix(HEADER_PREFIX)
    return "" if algorithm == name or algorithm in NOT_ALGORITHMS else algorithm


def _make_checksum(algorithm: str) -> Checksum:
    if algorithm not in CHECKSUMS:
        message = f"Gyropilot cannot compute the checksum {algorithm}; use one of {', '.join(CHECKSUMS)}."
        raise ApiError("NotImplemented", message, 501)
    return CHECKSUMS[algorithm]()


def combine_checksums(algorithm: str, kind: str, parts: Sequence[tuple[str, int]]) -> str:
    """Return the checksum of an object made of parts, given each one's checksum and size.

    Args:
        algorithm: one of `CHECKSUMS`.
        kind: `COMPOSITE`, the checksum of the parts' checksums, or `FULL_OBJECT`, that of the content, which only a CRC
            can be combined to.
        parts: the parts in their order.
    """
    digests = [base64.b64decode(value) for value, _ in parts]
    if kind == "COMPOSITE":
        checksum = CHECKSUMS[algorithm]()
        checksum.update(b"".join(digests))
        return f"{base64.b64encode(checksum.digest()).decode()}-{len(parts)}"
    from gyropilot.api import crc  # late, as above

    polynomial: crc.Polynomial = getattr(crc, algorithm.upper())
    pieces = [(int.from_bytes(digest, "big"), size) for digest, (_, size) in zip(digests, parts, strict=True)]
    return base64.b64encode(crc.combine(polynomial, pieces).to_bytes(polynomial.bits // 8, "big")).decode()
