"""Sequences of numbers in one cell, such as `1.5, 2, 3` or `[4;;6]`. Needs nothing but the standard library."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

MOSTLY = 0.95
"""Share of the cells that are sequences where a column of sequences is inferred."""
SHORTEST = 3
"""Such a column's middle cell has this many numbers or more: `1,5` may be a number with a decimal comma."""
SAMPLE = 500

_NUMBER = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII
)  # one way to match: quick for long cells, too
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})


def parse_sequence(text: str) -> list[float]:
    """Return the numbers between a cell's semicolons, or its commas if it has none; NaN for what is no number.

    Brackets around the whole are taken off. A cell without any number is no sequence: it is empty.
    """
    parts = _split(text)
    numbers = [float(part) if _NUMBER.fullmatch(part) else math.nan for part in parts]
    return [] if all(map(math.isnan, numbers)) else numbers


def are_sequences(values: Sequence[object]) -> bool:
    """Tell whether nearly all cells hold two numbers or more and nothing else; a sample decides for long columns."""
    step = max(1, len(values) // SAMPLE)
    sample = [value for value in values[::step] if isinstance(value, str) and value.strip()]
    if not sample or len(sample) < len(values[::step]):
        return False
    lengths = sorted(_count(value) for value in sample)
    long = sum(length >= 2 for length in lengths)
    return long >= MOSTLY * len(sample) and lengths[len(lengths) // 2] >= SHORTEST


def _split(text: str) -> list[str]:
    text = text.strip().strip("[]()")
    return [part.strip() for part in text.split(";" if ";" in text else ",")]


def _count(text: str) -> int:
    """Return how many numbers a cell holds; 0 when it holds words, too."""
    parts = _split(text)
    if not all(_NUMBER.fullmatch(part) or part.lower() in _MISSING for part in parts):
        return 0
    return sum(part.lower() not in _MISSING for part in parts)
