"""Understands columns: which kind each is, and which say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gyropilot.engine.data.dates import find_date_format, find_named_date_format
from gyropilot.engine.data.sequences import are_sequences
from gyropilot.engine.task import ColumnKind

NULL_WORDS = ("NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "?", "-")
"""What people write for a missing number; in categories the same words may be answers and stay."""
DECORATED = r"^[-+]?\s?[$€£¥]?\s?[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\s?[%$€£¥]?$"
"""A number with a currency, separators of thousands or a percent sign."""
MARKS = r"[$€£¥%,\s]"
"""What decorates a number; `features/encoders.py` takes the same off."""
TEXT_WORDS = 3.0
"""Cells of text have more words than this on average; categories have fewer."""
TEXT_DISTINCT_FRACTION = 0.2
"""Text columns have at least this share of different cells."""
IDENTIFIER_DISTINCT_FRACTION = 0.98
"""A column of single words in which almost every cell differs names rows instead of describing them."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What is known of a column before training."""

    name: str
    """Its name."""
    kind: ColumnKind
    """How its cells are understood."""
    date_format: str = ""
    """How its dates are written, for datetime columns."""
    is_decorated: bool = False
    """Whether its numbers are written with marks, such as `$1,234` or `12 %`."""
    left_out: str = ""
    """Why it is not learned from; empty: it is."""


def profile_columns(table: pa.Table, overrides: Mapping[str, ColumnKind]) -> list[ColumnProfile]:
    """Return the profile of every column of a table of features, in their order."""
    return [profile_column(name, table.column(name), overrides.get(name)) for name in table.column_names]


def profile_column(name: str, column: pa.ChunkedArray, override: ColumnKind | None = None) -> ColumnProfile:
    """Return the profile of one column; an override decides the kind, but not whether it says anything."""
    filled = column.drop_null()
    if len(filled) == 0:
        return ColumnProfile(name=name, kind=override or ColumnKind.NUMERIC, left_out="it is empty")
    distinct = pc.count_distinct(filled).as_py()
    if distinct == 1 and column.null_count == 0:
        return ColumnProfile(name=name, kind=override or _kind(filled, distinct)[0], left_out="it is constant")
    kind, date_format = (override, "") if override else _kind(filled, distinct)
    if override is ColumnKind.DATETIME:
        date_format = find_date_format(pc.unique(filled).to_pylist())
    if kind is ColumnKind.NUMERIC and not override:
        named = _find_named_dates(name, filled)
        if named:
            return ColumnProfile(name=name, kind=ColumnKind.DATETIME, date_format=named)
    if kind is ColumnKind.NUMERIC:
        return ColumnProfile(name=name, kind=kind, is_decorated=_cast(filled) is None and is_decorated(filled))
    if kind is ColumnKind.CATEGORICAL and not override and _names_rows(filled, distinct):
        return ColumnProfile(name=name, kind=kind, left_out="almost every row has a value of its own")
    return ColumnProfile(name=name, kind=kind, date_format=date_format)


def parse_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return the column as numbers, or None when a cell is neither a number nor a word for a missing one.

    Numbers may be decorated when all are: `$1,234.50`, `12 %`.
    """
    if not pa.types.is_string(column.type):
        return column.cast(pa.float64())
    numbers = _cast(column)
    if numbers is None and is_decorated(column):
        numbers = _cast(pc.replace_substring_regex(column, pattern=MARKS, replacement=""))
    return numbers


def is_decorated(column: pa.ChunkedArray) -> bool:
    """Tell whether all cells are numbers written with a currency, separators of thousands or a percent sign."""
    if not pa.types.is_string(column.type):
        return False
    text = pc.utf8_trim_whitespace(column)
    allowed = pc.or_(pc.is_in(text, value_set=pa.array([*NULL_WORDS, ""])), pc.match_substring_regex(text, DECORATED))
    return bool(pc.all(pc.fill_null(allowed, True)).as_py())  # Arrow's own positional argument


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not pa.types.is_string(column.type):
        return None
    text = pc.utf8_trim_whitespace(column)
    text = pc.if_else(pc.is_in(text, value_set=pa.array([*NULL_WORDS, ""])), pa.scalar(None, pa.string()), text)
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def _kind(filled: pa.ChunkedArray, distinct: int) -> tuple[ColumnKind, str]:
    numbers = parse_numbers(filled)
    if numbers is not None and numbers.null_count < len(numbers):
        return ColumnKind.NUMERIC, ""
    date_format = find_date_format(pc.unique(filled).to_pylist())
    if date_format:
        return ColumnKind.DATETIME, date_format
    if are_sequences(pc.unique(filled).to_pylist()):
        return ColumnKind.SEQUENCE, ""
    if distinct >= TEXT_DISTINCT_FRACTION * len(filled) and _mean_words(filled) > TEXT_WORDS:
        return ColumnKind.TEXT, ""
    return ColumnKind.CATEGORICAL, ""


def _find_named_dates(name: str, filled: pa.ChunkedArray) -> str:
    """Return the format of numbers that are dates by their name and range, or nothing."""
    numbers = parse_numbers(filled)
    if numbers is None:
        return ""
    bounds = pc.min_max(numbers).as_py()
    found = find_named_date_format(name, bounds["min"], bounds["max"])
    is_whole = found and pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()
    fits = is_whole and find_date_format(pc.unique(numbers.drop_null()).to_pylist()) == found
    return found if fits else ""


def _mean_words(filled: pa.ChunkedArray) -> float:
    words = pc.add(pc.count_substring(pc.utf8_trim_whitespace(filled), " "), 1)
    return float(pc.mean(words).as_py())


def _names_rows(filled: pa.ChunkedArray, distinct: int) -> bool:
    return len(filled) > 50 and distinct >= IDENTIFIER_DISTINCT_FRACTION * len(filled)
