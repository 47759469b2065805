"""Reflected CRCs of any polynomial, fast: a piece is cut into lanes that advance side by side.

A register after two pieces is that after the first, moved past the second one's length, xor that of the second
alone. Moving past zeros is linear over GF(2), so it is a matrix, here its columns as integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

LANE_BYTES = 256
LANES_MIN = 8
"""Fewer are not worth the trouble."""

Columns = tuple[int, ...]
Registers = NDArray[Any]
"""Unsigned integers of the CRC's width."""


@dataclass(frozen=True)
class Polynomial:
    """A CRC with a register that begins as ones and is inverted at the end."""

    reflected: int
    bits: int

    @property
    def mask(self) -> int:
        """A register of ones."""
        return (1 << self.bits) - 1

    @property
    def kind(self) -> type[np.unsignedinteger[Any]]:
        """The type of registers."""
        return np.uint32 if self.bits == 32 else np.uint64


CRC32 = Polynomial(0xEDB88320, 32)
CRC32C = Polynomial(0x82F63B78, 32)
CRC64NVME = Polynomial(0x9A6C9329AC4BC9B5, 64)


class Crc:
    """Sums up bytes."""

    def __init__(self, polynomial: Polynomial) -> None:
        self._polynomial = polynomial
        self._register = polynomial.mask

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        lanes = len(data) // LANE_BYTES
        if lanes >= LANES_MIN:
            self._register = _advance_lanes(self._polynomial, self._register, data, lanes)
            data = data[lanes * LANE_BYTES :]
        table = _byte_table(self._polynomial)
        for byte in data:
            self._register = table[(self._register ^ byte) & 0xFF] ^ (self._register >> 8)

    def digest(self) -> bytes:
        """Return the sum of the bytes so far."""
        return (self._register ^ self._polynomial.mask).to_bytes(self._polynomial.bits // 8, "big")


def combine(polynomial: Polynomial, sums: Sequence[tuple[int, int]]) -> int:
    """Return the CRC of pieces that follow each other, given each one's CRC and length in bytes."""
    total = 0
    for value, length in sums:
        for power in range(length.bit_length()):
            if length >> power & 1:
                total = _multiply(_zeros(polynomial, power), total)
        total ^= value
    return total


def _advance_lanes(polynomial: Polynomial, register: int, data: bytes, lanes: int) -> int:
    content = np.frombuffer(data, np.uint8, lanes * LANE_BYTES).reshape(lanes, LANE_BYTES).T.copy()
    registers: Registers = np.zeros(lanes, polynomial.kind)
    registers[0] = register
    table = np.array(_byte_table(polynomial), polynomial.kind)
    for column in content:
        heads = table[registers.astype(np.uint8) ^ column]
        registers >>= 8
        registers ^= heads
    return _join_lanes(polynomial, registers)


def _join_lanes(polynomial: Polynomial, registers: Registers) -> int:
    power = LANE_BYTES.bit_length() - 1
    while len(registers) > 1:
        if len(registers) % 2:  # a lane of zeros in front changes nothing
            registers = np.concatenate([np.zeros(1, registers.dtype), registers])
        moved = np.zeros(len(registers) // 2, registers.dtype)
        for place, table in enumerate(_shift_tables(polynomial, power)):
            moved ^= table[(registers[0::2] >> (8 * place)).astype(np.uint8)]
        registers = moved ^ registers[1::2]
        power += 1
    return int(registers[0])


@cache
def _byte_table(polynomial: Polynomial) -> tuple[int, ...]:
    table = []
    for value in range(256):
        entry = value
        for _ in range(8):
            entry = (entry >> 1) ^ (polynomial.reflected if entry & 1 else 0)
        table.append(entry)
    return tuple(table)


@cache
def _shift_tables(polynomial: Polynomial, power: int) -> tuple[Registers, ...]:
    """Return, for each byte of a register, where its values are after 2^power bytes of zeros."""
    columns = _zeros(polynomial, power)
    return tuple(
        np.array([_multiply(columns, value << place) for value in range(256)], polynomial.kind)
        for place in range(0, polynomial.bits, 8)
    )


@cache
def _zeros(polynomial: Polynomial, power: int) -> Columns:
    """Return the matrix that moves a register past 2^power bytes of zeros."""
    if power:
        half = _zeros(polynomial, power - 1)
        return tuple(_multiply(half, column) for column in half)
    table = _byte_table(polynomial)
    return tuple(table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(polynomial.bits))


def _multiply(columns: Columns, register: int) -> int:
    total, bit = 0, 0
    while register:
        if register & 1:
            total ^= columns[bit]
        register >>= 1
        bit += 1
    return total
