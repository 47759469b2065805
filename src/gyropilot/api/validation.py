"""Checks a request's parameters against the service model and words every violation as AWS does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from gyropilot.api.protocols.scalars import FLOATS, INTEGERS

OPEN_ENUMS = frozenset(
    {"ProductionVariantInstanceType", "TransformInstanceType", "TrainingInstanceType", "ProcessingInstanceType"}
)
"""Enums that are not enforced: they name machines to rent, which mean nothing here."""

MAX_SHOWN = 1024
"""Longest part of a value that a message repeats."""

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "timestamp": (datetime,),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    **dict.fromkeys(INTEGERS, (int,)),
    **dict.fromkeys(FLOATS, (int, float)),
}

_CLASSES = {
    "L": r"\w",
    "N": r"\w",
    "Z": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    "ASCII": r"\x00-\x7f",
    "Print": r"\x20-\x7e",
    "Alnum": "a-zA-Z0-9",
}
"""Character classes of the models' regular expressions that Python lacks; letters and numbers slightly too wide."""

_CLASS = re.compile(r"\\p\{(\w+)\}")


def find_violations(shape: StructureShape | None, params: dict[str, Any]) -> list[str]:
    """Return every violation of the model's constraints, worded; unknown members are none."""
    return [] if shape is None else list(_check_structure(shape, params, ""))


def word_violations(violations: Sequence[str]) -> str:
    """Return the message of the error that reports the violations."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(violations)}"


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "blob":
        if isinstance(value, bytes):  # a stream's length is checked where it is read
            yield from _check_size(shape, len(value), value, path, "length")
        return
    if not _has_type(kind, value):
        yield _word(shape, value, path, f"Member must be of type {kind}")
    elif isinstance(shape, StructureShape):
        yield from _check_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _check_size(shape, len(value), value, path, "length")
        for number, item in enumerate(value, 1):
            yield from _check(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        yield from _check_map(shape, value, path)
    elif isinstance(shape, StringShape):
        yield from _check_text(shape, value, path)
    elif kind in INTEGERS | FLOATS:
        yield from _check_size(shape, value, value, path, "value")


def _has_type(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _PYTHON_TYPES[kind])


def _check_structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    if shape.is_document_type:
        return
    if shape.is_tagged_union and len(value) != 1:
        yield _word(shape, value, path, f"Member must have exactly one member set of [{', '.join(shape.members)}]")
    for name in shape.required_members:
        if name not in value:
            yield _word(shape.members[name], None, _step(path, name), "Member must not be null")
    for name, item in value.items():
        if name in shape.members:
            yield from _check(shape.members[name], item, _step(path, name))


def _check_map(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    yield from _check_size(shape, len(value), value, path, "length")
    for key, item in value.items():
        yield from _check(shape.key, key, path)
        yield from _check(shape.value, item, f"{path}.{key}.member")


def _check_text(shape: StringShape, value: str, path: str) -> Iterator[str]:
    too_long = list(_check_size(shape, len(value), value, path, "length"))
    yield from too_long
    if shape.enum and value not in shape.enum and shape.name not in OPEN_ENUMS:
        yield _word(shape, value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    source = shape.metadata.get("pattern")
    # A text of a wrong length is not matched too: some patterns take long over long texts.
    pattern = _compile(cast("str", source)) if source and not too_long else None
    if pattern is not None and not pattern.fullmatch(value):
        yield _word(shape, value, path, f"Member must satisfy regular expression pattern: {source}")


def _check_size(shape: Shape, size: float, value: Any, path: str, measure: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < float(least):
        yield _word(shape, value, path, f"Member must have {measure} greater than or equal to {least}")
    if most is not None and size > float(most):
        yield _word(shape, value, path, f"Member must have {measure} less than or equal to {most}")


def _word(shape: Shape, value: Any, path: str, rule: str) -> str:
    if shape.metadata.get("sensitive") or isinstance(value, bytes):
        shown = "Value"
    elif value is None:
        shown = "Value null"
    else:
        shown = f"Value '{str(value)[:MAX_SHOWN]}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {rule}"


def _step(path: str, name: str) -> str:
    step = name[:1].lower() + name[1:]
    return f"{path}.{step}" if path else step


@lru_cache(maxsize=4096)
def _compile(source: str) -> re.Pattern[str] | None:
    """Return the model's pattern as Python's, or None for the few that have no counterpart in Python."""
    translated = re.sub(r"\\z$", r"\\Z", source)
    if translated.startswith("\\p{") and translated.endswith("}*"):  # a class outside of brackets
        translated = f"[{translated[:-1]}]*"
    if any(name not in _CLASSES for name in _CLASS.findall(translated)):
        return None
    try:
        return re.compile(_CLASS.sub(lambda found: _CLASSES[found.group(1)], translated))
    except re.error:
        return None
