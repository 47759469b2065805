"""Reads the cells of a column: as numbers, and as groups of alike cells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gyropilot.engine.data.columns import NUMBER, parse_numbers
from gyropilot.engine.data.dates import parse_date
from gyropilot.engine.data.findings import LARGEST
from gyropilot.engine.data.sequences import parse_sequence
from gyropilot.engine.explore.sample import ColumnFacts
from gyropilot.engine.task import ColumnKind

EPOCH = datetime(1970, 1, 1)  # dates are taken as they are written
DAY_SECONDS = 86_400

Numbers = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A column's cells in the terms that figures are made of."""

    facts: ColumnFacts
    """What is known of the column."""
    cells: pa.ChunkedArray
    """As they were read."""
    numbers: Numbers | None
    """(n,) amounts, days since 1970, means of sequences or words of texts; NaN for missing. None for categories."""
    categories: tuple[str, ...]
    """Categories, most frequent first; empty for others."""
    places: Groups | None
    """(n,) which category each cell is; -1 for missing. None for others."""

    def group(self, most: int) -> tuple[Groups, int]:
        """Return (n,) groups of alike cells and how many there are; missing cells are the last one.

        Groups are categories, or stretches of numbers of about as many rows each, at most so many.
        """
        if self.places is not None:
            count = len(self.categories)
            return np.where(self.places < 0, count, self.places), count + 1
        assert self.numbers is not None
        return split_numbers(self.numbers, most)


def split_numbers(numbers: Numbers, most: int) -> tuple[Groups, int]:
    """Return the stretch that each number lies in, and how many groups there are; missing numbers are the last one."""
    filled = numbers[~np.isnan(numbers)]
    different = np.unique(filled)
    if len(different) <= most:
        borders = (different[1:] + different[:-1]) / 2
    else:
        borders = np.unique(np.quantile(filled, np.linspace(0, 1, most + 1)[1:-1], method="lower"))
        borders = borders[borders < different[-1]]
    places = np.searchsorted(borders, numbers, side="left")
    places[np.isnan(numbers)] = len(borders) + 1
    return places.astype(np.int64), len(borders) + 2


def read_column(facts: ColumnFacts, cells: pa.ChunkedArray) -> Reading:
    """Return a column's cells as figures are made of them."""
    numbers, places = None, None
    categories: tuple[str, ...] = ()
    if facts.kind is ColumnKind.CATEGORICAL:
        categories, places = _read_categories(cells)
    else:
        numbers = _read_numbers(facts, cells)
        numbers[~(np.abs(numbers) < LARGEST)] = np.nan
    return Reading(facts=facts, cells=cells, numbers=numbers, categories=categories, places=places)


def count_words(cells: pa.ChunkedArray) -> int:
    """Return how many different words a column of texts has, small and capital letters being the same."""
    words = pc.list_flatten(pc.utf8_split_whitespace(pc.utf8_lower(cells)))
    return int(pc.count_distinct(words.filter(pc.not_equal(words, ""))).as_py())


def write_day(days: float) -> str:
    """Return a day since 1970 as a date."""
    return (EPOCH + timedelta(days=days)).strftime("%Y-%m-%d")


def _read_categories(cells: pa.ChunkedArray) -> tuple[tuple[str, ...], Groups]:
    encoded = cells.combine_chunks().dictionary_encode()
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    words = [write_cell(word) for word in encoded.dictionary.to_pylist()]
    order = np.argsort(-np.bincount(places[places >= 0], minlength=len(words)), kind="stable")
    rank = np.empty(len(words) + 1, dtype=np.int64)
    rank[order], rank[-1] = np.arange(len(words)), -1
    return tuple(words[index] for index in order), rank[places]


def write_cell(cell: str | float | None) -> str:
    """Return a cell as text: whole numbers without a fraction."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.6g}"
    return cell or ""


def _read_numbers(facts: ColumnFacts, cells: pa.ChunkedArray) -> Numbers:
    if facts.kind is ColumnKind.NUMERIC:
        parsed = parse_numbers(cells)
        if parsed is None:  # a few words among them, which count as missing
            text = pc.utf8_trim_whitespace(cells)
            is_number = pc.match_substring_regex(text, NUMBER)
            parsed = pc.if_else(is_number, text, pa.scalar(None, pa.string())).cast(pa.float64())
        return np.array(parsed.to_numpy(), dtype=np.float64)
    if facts.kind is ColumnKind.TEXT:
        words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(cells.cast(pa.string()))))
        return np.array(words.to_numpy(), dtype=np.float64)
    encoded = cells.combine_chunks().dictionary_encode()
    if facts.kind is ColumnKind.SEQUENCE:
        values = [_mean(parse_sequence(write_cell(cell))) for cell in encoded.dictionary.to_pylist()]
    else:
        values = [_days(write_cell(cell), facts.date_format) for cell in encoded.dictionary.to_pylist()]
    places = pc.fill_null(encoded.indices, len(values)).to_numpy(zero_copy_only=False)
    numbers: Numbers = np.array([*values, np.nan])[places]
    return numbers


def _mean(numbers: list[float]) -> float:
    known = [number for number in numbers if number == number]
    return sum(known) / len(known) if known else np.nan


def _days(text: str, date_format: str) -> float:
    moment = parse_date(text, date_format)
    return np.nan if moment is None else (moment - EPOCH).total_seconds() / DAY_SECONDS
