"""Walks through messages of Protocol Buffers, which ONNX is written in, without a library for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST_VARINT = 10
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    number: int
    content: memoryview | None
    """What it holds, where its length is told; None: a number."""
    value: int
    """The number, where it is a whole one; 0 otherwise."""
    whole: memoryview
    """All of it, its key as well."""


def walk(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message.

    Raises:
        ValueError: when it is none.
    """
    place = 0
    while place < len(message):
        begin, content, value = place, None, 0
        key, place = read_varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = read_varint(message, place)
        elif kind == _LENGTH:
            size, place = read_varint(message, place)
            if size > len(message) - place:
                raise ValueError("it is cut short")
            content = message[place : place + size]
            place += size
        elif kind in (_FIXED32, _FIXED64):
            place += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("it is no ONNX")
        yield Field(key >> 3, content, value, message[begin:place])


def walk_contents(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of those fields of a message that have a length.

    Raises:
        ValueError: when it is no message.
    """
    return ((field.number, field.content) for field in walk(message) if field.content is not None)


def read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it.

    Raises:
        ValueError: when there is none.
    """
    number = 0
    for size, byte in enumerate(message[place : place + _LONGEST_VARINT], 1):
        number |= (byte & 0x7F) << 7 * (size - 1)
        if byte < 0x80:
            return number, place + size
    raise ValueError("it is no ONNX")


def write_content(number: int, content: bytes) -> bytes:
    """Return a field that has a length."""
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def write_number(number: int, value: int) -> bytes:
    """Return a field that is a whole number, not below 0."""
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
