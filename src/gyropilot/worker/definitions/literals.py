"""Values as Python source: as ruff would format it, and with nothing in it but literals and the engine's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any

LINE = 120
INDENT = 4


def write_assignment(name: str, value: Any) -> str:
    """Return a line, or several, that give a name a value."""
    return f"{name} = {write_value(value, used=len(name) + 3)}"


def write_value(value: Any, *, depth: int = 0, used: int = 0) -> str:
    """Return a value: on one line where it fits, otherwise with a line for each part.

    Args:
        value: text, a number, a boolean, None, a member of an enumeration, or a tuple, list, mapping or frozen
            dataclass of these; enumerations and dataclasses are those that `gyropilot.engine` exports.
        depth: how many levels the line is indented by.
        used: how many characters of the line are taken before and after the value.

    Raises:
        TypeError: when it is something else.
    """
    if isinstance(value, Enum):
        return f"engine.{type(value).__name__}.{value.name}"
    if isinstance(value, str):
        return _quote(value)
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    opening, parts, closing = _take_apart(value)
    one_line = opening + ", ".join(name + write_value(part) for name, part in parts)
    one_line += "," * (opening == "(" and len(parts) == 1) + closing
    if not parts or ("\n" not in one_line and INDENT * depth + used + len(one_line) <= LINE):
        return one_line
    margin = " " * INDENT * (depth + 1)
    lines = (f"{margin}{name}{write_value(part, depth=depth + 1, used=len(name) + 1)},\n" for name, part in parts)
    return f"{opening}\n{''.join(lines)}{margin[INDENT:]}{closing}"


def _take_apart(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """Return how a value of several parts begins, its parts with what stands before each, and how it ends."""
    if is_dataclass(value) and not isinstance(value, type):
        said = [(f"{each.name}=", getattr(value, each.name)) for each in fields(value) if _is_said(each, value)]
        return f"engine.{type(value).__name__}(", said, ")"
    if isinstance(value, Mapping):
        return "{", [(f"{write_value(key)}: ", part) for key, part in value.items()], "}"
    if isinstance(value, tuple):
        return "(", _number(value), ")"
    if isinstance(value, list):
        return "[", _number(value), "]"
    raise TypeError(f"there is no literal of {value!r}")


def _number(parts: Iterable[Any]) -> list[tuple[str, Any]]:
    return [("", part) for part in parts]


def _is_said(field: Field[Any], value: Any) -> bool:
    """Whether a field has another value than it would have had by itself."""
    usual = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(value, field.name) != usual)


def _quote(text: str) -> str:
    """Return a text in double quotes, unless it holds some."""
    literal = repr(text)
    return literal if '"' in text or literal[0] == '"' else f'"{literal[1:-1]}"'
