"""Understands columns: which kind each is, and which say nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyropilot.engine.data.dates import SAMPLE as DATE_SAMPLE
from gyropilot.engine.data.dates import find_date_format, find_named_date_format
from gyropilot.engine.data.sequences import are_sequences
from gyropilot.engine.errors import DataError
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
IDENTIFIER_ROWS = 50
"""Tables of no more rows than this are too short to tell that."""
IDENTIFIER_NAME = re.compile(
    r"(?i:(^|[\W_])(id|uuid|guid)$|^(index|idx|row|row[\W_]?(id|no|num|number)|unnamed: \d+)?$)|[a-z](Id|ID)$", re.ASCII
)
"""Names by which a column of whole numbers says that it names rows: `id`, `order_id`, `PassengerId`, `Unnamed: 0`."""
PEEK_ROWS = 1000
"""So many cells tell that a column holds no numbers; only a column that passes is read to its end."""

MOSTLY_NUMBERS = 0.95
"""From this share of numbers on, a column is numeric and its words count as missing ..."""
MANY_NUMBERS = 20
"""... if it has more different numbers than this; otherwise its words may be answers as good as its numbers."""
NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"

EMPTY = "it is empty"
CONSTANT = "it is constant"
OWN_VALUES = "almost every row has a value of its own"
NAMES_ROWS = "its name and its whole numbers, no two alike, say that it names rows"
REPEATS = "it repeats another column"
NOT_CHOSEN = "it is not among the features that were chosen"


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
    repeats: str = ""
    """The earlier column that it is equal to."""


def numbers_as_numbers(columns: list[pa.ChunkedArray], names: list[str], words: Collection[str]) -> pa.Table:
    """Return a table in which text columns of numbers are numbers.

    Args:
        columns: the cells; a column is taken from the list when its numbers are there, so that its text can go.
        names: the columns' names.
        words: names of columns that stay as they are written.
    """
    for index, name in enumerate(names):
        if name not in words and pa.types.is_string(columns[index].type):
            numbers = _cast(columns[index])
            if numbers is not None and numbers.null_count < len(numbers):
                columns[index] = numbers
    return pa.table(columns, names=names)


def profile_columns(
    table: pa.Table, overrides: Mapping[str, ColumnKind], features: Collection[str] = ()
) -> list[ColumnProfile]:
    """Return the profile of every column of a table of features, in their order.

    Args:
        table: the cells.
        overrides: kinds of columns, over what is inferred.
        features: the columns that may be learned from; empty: all.
    """
    profiles = [
        ColumnProfile(name=name, kind=overrides.get(name, ColumnKind.NUMERIC), left_out=NOT_CHOSEN)
        if features and name not in features
        else profile_column(name, table.column(index), overrides.get(name))
        for index, name in enumerate(table.column_names)
    ]
    repeated = dict(_find_repeated(table, [index for index, each in enumerate(profiles) if not each.left_out]))
    return [
        replace(each, left_out=REPEATS, repeats=profiles[repeated[index]].name) if index in repeated else each
        for index, each in enumerate(profiles)
    ]


def profile_column(name: str, column: pa.ChunkedArray, override: ColumnKind | None = None) -> ColumnProfile:
    """Return the profile of one column; an override decides the kind, but not whether it says anything."""
    filled = column.drop_null()
    if len(filled) == 0:
        return ColumnProfile(name=name, kind=override or ColumnKind.NUMERIC, left_out=EMPTY)
    kind, date_format = (override, "") if override else _kind(filled)
    if column.null_count == 0 and _is_constant(filled):
        return ColumnProfile(name=name, kind=kind, left_out=CONSTANT)
    if override is ColumnKind.DATETIME:
        date_format = find_date_format(_thin_out(pc.unique(filled)))
        if not date_format:
            raise DataError(f"Column {name!r} is said to hold dates, but no format of dates fits its cells.")
    if override is None and kind is ColumnKind.NUMERIC and (named := _find_named_dates(name, filled)):
        return ColumnProfile(name=name, kind=ColumnKind.DATETIME, date_format=named)
    profile = ColumnProfile(name=name, kind=kind, date_format=date_format)
    if kind is ColumnKind.NUMERIC:
        profile = replace(profile, is_decorated=_cast(filled) is None and is_decorated(filled))
    if override is None and kind is ColumnKind.CATEGORICAL and _has_own_values(filled):
        return replace(profile, left_out=OWN_VALUES)
    if override is None and kind is ColumnKind.NUMERIC and _names_rows(name, filled):
        return replace(profile, left_out=NAMES_ROWS)
    return profile


def parse_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return the column as numbers, or None when a cell is neither a number nor a word for a missing one.

    Numbers may be decorated when all are: `$1,234.50`, `12 %`.
    """
    if not pa.types.is_string(column.type):
        return column.cast(pa.float64())
    if len(column) > PEEK_ROWS and parse_numbers(column.slice(0, PEEK_ROWS)) is None:
        return None
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
    try:
        numbers = column.cast(pa.float64())  # most columns of numbers hold nothing else
    except pa.ArrowInvalid:
        if len(column) > PEEK_ROWS and _cast(column.slice(0, PEEK_ROWS)) is None:
            return None
        text = pc.utf8_trim_whitespace(column)
        text = pc.if_else(pc.is_in(text, value_set=pa.array([*NULL_WORDS, ""])), pa.scalar(None, pa.string()), text)
        try:
            numbers = text.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
    return without_nan(numbers)


def without_nan(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers in which those that are none are missing."""
    is_nan = pc.is_nan(numbers)
    return pc.if_else(is_nan, None, numbers) if pc.any(is_nan).as_py() else numbers


def _kind(filled: pa.ChunkedArray) -> tuple[ColumnKind, str]:
    numbers = parse_numbers(filled)
    if numbers is not None and numbers.null_count < len(numbers):
        return ColumnKind.NUMERIC, ""
    distinct = pc.unique(filled)
    date_format = find_date_format(_thin_out(distinct))
    if date_format:
        return ColumnKind.DATETIME, date_format
    if _is_mostly_numbers(filled):
        return ColumnKind.NUMERIC, ""
    if are_sequences(_thin_out(distinct)):
        return ColumnKind.SEQUENCE, ""
    if len(distinct) >= TEXT_DISTINCT_FRACTION * len(filled) and _mean_words(filled) > TEXT_WORDS:
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
    fits = is_whole and find_date_format(_thin_out(pc.unique(numbers.drop_null()))) == found
    return found if fits else ""


def find_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells of a text column that are neither numbers nor missing ones."""
    text = pc.utf8_trim_whitespace(column.drop_null())
    known = pc.or_(pc.is_in(text, value_set=pa.array([*NULL_WORDS, ""])), pc.match_substring_regex(text, NUMBER))
    return text.filter(pc.invert(known))


def _is_mostly_numbers(filled: pa.ChunkedArray) -> bool:
    for part in (filled.slice(0, PEEK_ROWS), filled):
        text = pc.utf8_trim_whitespace(part)
        text = text.filter(pc.invert(pc.is_in(text, value_set=pa.array([*NULL_WORDS, ""]))))
        is_number = pc.match_substring_regex(text, NUMBER)
        if not len(text) or pc.mean(is_number).as_py() < MOSTLY_NUMBERS:
            return False
    return bool(pc.count_distinct(text.filter(is_number)).as_py() > MANY_NUMBERS)


def _thin_out(distinct: pa.Array) -> list[object]:
    """Return as many of a column's different cells as a format is looked for in."""
    step = max(1, len(distinct) // DATE_SAMPLE)
    return list(distinct.take(pa.array(range(0, len(distinct), step), pa.int64())).to_pylist())


def _mean_words(filled: pa.ChunkedArray) -> float:
    words = pc.add(pc.count_substring(pc.utf8_trim_whitespace(filled), " "), 1)
    return float(pc.mean(words).as_py())


def _is_constant(filled: pa.ChunkedArray) -> bool:
    first = filled[0]
    return all(pc.all(pc.equal(part, first)).as_py() for part in (filled.slice(0, PEEK_ROWS), filled))


def _has_own_values(filled: pa.ChunkedArray) -> bool:
    few = len(filled) <= IDENTIFIER_ROWS
    return not few and pc.count_distinct(filled).as_py() >= IDENTIFIER_DISTINCT_FRACTION * len(filled)


def _names_rows(name: str, filled: pa.ChunkedArray) -> bool:
    """Tell whether a column is an identifier by its name and by whole numbers of which no two are alike."""
    if len(filled) <= IDENTIFIER_ROWS or not IDENTIFIER_NAME.search(name.strip()):
        return False
    numbers = parse_numbers(filled)
    values = np.empty(0) if numbers is None else numbers.to_numpy()
    return bool(np.all(values == np.floor(values))) and len(np.unique(values)) == len(filled)


def _find_repeated(table: pa.Table, indices: list[int]) -> Iterator[tuple[int, int]]:
    """Yield each column that is equal to an earlier one, and that one."""
    seen: dict[tuple[object, ...], list[int]] = {}
    for index in indices:
        column = table.column(index)
        # Few columns begin alike, so few are compared to their end.
        alike = seen.setdefault((column.type, column.null_count, *column.slice(0, 50).to_pylist()), [])
        equal = next((earlier for earlier in alike if table.column(earlier).equals(column)), None)
        if equal is None:
            alike.append(index)
        else:
            yield index, equal
