"""The JSONPath of batch transform's filters: a path that picks parts of a document.

The subset is AWS's: `$`, `.name`, `['name', 'name']`, `[number, number]`, `[start:end]` and `*`; no filters or scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gyropilot.service.errors import InvalidRequestError

_NAME = re.compile(r"\.([^.\[\]*'\"\s]+)")
_NAMES = re.compile(r"\[\s*('[^']*'|\"[^\"]*\")(\s*,\s*('[^']*'|\"[^\"]*\"))*\s*\]")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NUMBERS = re.compile(r"\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"\[\s*(-?\d*)\s*:\s*(-?\d*)\s*\]")
_ALL = re.compile(r"\.\*|\[\s*\*\s*\]")


class NoSuchPartError(Exception):
    """The document does not have what the path names; the message says what."""


@dataclass(frozen=True)
class _Names:
    """Members of an object: one of them, or an object of several."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class _Numbers:
    """Elements of an array: one of them, or an array of several."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class _Part:
    """A stretch of an array."""

    begin: int | None
    end: int | None


@dataclass(frozen=True)
class _All:
    """Every element of an array, or every value of an object."""


_Step = _Names | _Numbers | _Part | _All


@dataclass(frozen=True)
class JsonPath:
    """A path that was understood."""

    text: str
    """As it was written."""
    steps: tuple[_Step, ...]
    """What it does, in order."""

    @property
    def is_whole(self) -> bool:
        """Whether it picks the whole document."""
        return not self.steps

    @property
    def begins_with_name(self) -> bool:
        """Whether it can pick from objects only."""
        return bool(self.steps) and isinstance(self.steps[0], _Names)

    def pick(self, document: Any) -> Any:
        """Return the part of a document that the path names.

        Raises:
            NoSuchPartError: when the document has no such part.
        """
        return _pick(document, self.steps)


def parse_json_path(text: str, field: str) -> JsonPath:
    """Understand a path.

    Args:
        text: the path; empty: the whole document.
        field: what the path is called in a message.

    Raises:
        InvalidRequestError: when it is not of the subset.
    """
    if not text:
        return JsonPath("$", ())
    try:
        return JsonPath(text, tuple(_parse(text)))
    except ValueError as error:
        raise InvalidRequestError(
            f"{field} '{text}' is not a valid JSONPath: {error}. Supported are $, .name, ['name'], [number], "
            "[start:end] and *."
        ) from None


def _parse(text: str) -> Iterator[_Step]:
    if not text.startswith("$"):
        raise ValueError("it must begin with $")
    position = 1
    while position < len(text):
        step, position = _parse_step(text, position)
        is_several = isinstance(step, _Names) and len(step.names) > 1
        if is_several and position < len(text):
            raise ValueError("several names can only stand at its end")
        yield step


def _parse_step(text: str, position: int) -> tuple[_Step, int]:
    if found := _ALL.match(text, position):
        return _All(), found.end()
    if found := _NAME.match(text, position):
        return _Names((found[1],)), found.end()
    if found := _NAMES.match(text, position):
        return _Names(tuple(single or double for single, double in _QUOTED.findall(found[0]))), found.end()
    if found := _NUMBERS.match(text, position):
        return _Numbers(tuple(int(number) for number in found[1].split(","))), found.end()
    if found := _SLICE.match(text, position):
        begin, end = (int(number) if number else None for number in found.groups())
        return _Part(begin, end), found.end()
    raise ValueError(f"'{text[position:]}' cannot be read")


def _pick(document: Any, steps: Sequence[_Step]) -> Any:
    if not steps:
        return document
    step, rest = steps[0], steps[1:]
    match step:
        case _Names(names=names):
            if not isinstance(document, dict):
                raise NoSuchPartError(f"{_describe(document)} has no members, {names[0]!r} is asked for")
            if missing := [name for name in names if name not in document]:
                raise NoSuchPartError(f"there is no member {missing[0]!r}")
            return _pick(document[names[0]], rest) if len(names) == 1 else {name: document[name] for name in names}
        case _Numbers(numbers=numbers):
            elements = [_element(_array(document), number) for number in numbers]
            return _pick(elements[0], rest) if len(numbers) == 1 else [_pick(element, rest) for element in elements]
        case _Part(begin=begin, end=end):
            chosen = _array(document)[begin:end]
        case _All():
            chosen = list(document.values()) if isinstance(document, dict) else _array(document)
    return [_pick(element, rest) for element in chosen] if rest else chosen


def _array(document: Any) -> list[Any]:
    if not isinstance(document, list):
        raise NoSuchPartError(f"{_describe(document)} has no elements")
    return document


def _element(array: list[Any], number: int) -> Any:
    try:
        return array[number]
    except IndexError:
        raise NoSuchPartError(f"there is no element {number}: there are {len(array)}") from None


def _describe(document: Any) -> str:
    if isinstance(document, list):
        return "an array"
    return "an object" if isinstance(document, dict) else f"the value {document!r:.80}"
