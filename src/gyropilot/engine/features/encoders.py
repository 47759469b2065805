"""One encoder per kind of column: a cell in, numbers out, the same in training and in serving.

Encoders are plain data, stored in the manifest of a model. NaN stands for a missing cell. A model server encodes rows
with them and without the libraries that read tables.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.data.dates import is_date_format, parse_date
from gyropilot.engine.data.sequences import parse_sequence
from gyropilot.engine.features.text import TextSpace, embed_texts

UNSEEN = -1.0
"""Code of a category that was not there in training, or was too rare to learn from."""

Cell = str | float | None
"""A cell: text as a file or a request holds it, a number, or nothing."""

LARGEST = 3.0e38
"""Numbers as far from 0 as this count as missing."""

_ORIGIN = datetime(2000, 1, 1)  # dates are compared as they are written
_DATE_PARTS = ("days", "month", "day", "weekday", "day_of_year")
_DAY_SECONDS = 86_400.0
_MARKS = str.maketrans("", "", "$€£¥%, \t\u00a0")


class NumericEncoder(msgspec.Struct, frozen=True, kw_only=True, tag="numeric"):
    """Numbers stay what they are; whatever is no finite number is missing."""

    name: str
    is_decorated: bool = False
    """Whether the numbers are written with marks, such as `$1,234` or `12 %`, which are taken off."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        return (self.name,)

    def encode(self, cell: Cell) -> tuple[float, ...]:
        """Return the cell's numbers, one for each output."""
        if self.is_decorated and isinstance(cell, str):
            cell = cell.translate(_MARKS)
        try:
            number = float(cell)  # type: ignore[arg-type]  # None raises TypeError, which is caught
        except (TypeError, ValueError, OverflowError):
            return (math.nan,)
        # Numbers that single precision cannot hold would become infinite.
        return (number,) if -LARGEST < number < LARGEST else (math.nan,)

    @staticmethod
    def limit(numbers: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the numbers of many cells as an (n, 1) matrix, by the same rule."""
        values = np.array(numbers, dtype=np.float64)
        values[~(np.abs(values) < LARGEST)] = np.nan
        return values.astype(np.float32).reshape(-1, 1)


class CategoricalEncoder(msgspec.Struct, frozen=True, kw_only=True, tag="categorical", dict=True):
    """Categories become numbers in the order of how often they occurred, the most frequent first."""

    name: str
    categories: tuple[str, ...]

    @cached_property
    def _codes(self) -> dict[str, float]:
        return {category: float(code) for code, category in enumerate(self.categories)}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        return (self.name,)

    def encode(self, cell: Cell) -> tuple[float, ...]:
        """Return the cell's code."""
        if cell is None or cell == "" or cell != cell:  # only NaN differs from itself
            return (math.nan,)
        return (self._codes.get(spell(cell), UNSEEN),)


class DatetimeEncoder(msgspec.Struct, frozen=True, kw_only=True, tag="datetime"):
    """Dates become days since 2000 and their parts, with the hour where the data has times of day."""

    name: str
    date_format: str
    has_time: bool

    def __post_init__(self) -> None:
        if not is_date_format(self.date_format):
            raise ValueError(f"the format of the dates of {self.name!r} is none: {self.date_format[:100]!r}")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        parts = (*_DATE_PARTS, "hour") if self.has_time else _DATE_PARTS
        return tuple(f"{self.name}: {part}" for part in parts)

    def encode(self, cell: Cell) -> tuple[float, ...]:
        """Return the date's parts."""
        is_empty = cell is None or cell != cell  # only NaN differs from itself
        moment = None if is_empty else parse_date(spell(cell), self.date_format)  # type: ignore[arg-type]  # not None
        if moment is None:
            return (math.nan,) * len(self.outputs)
        parts = (
            (moment - _ORIGIN).total_seconds() / _DAY_SECONDS,
            float(moment.month),
            float(moment.day),
            float(moment.weekday()),
            float(moment.timetuple().tm_yday),
        )
        return (*parts, moment.hour + moment.minute / 60) if self.has_time else parts


MEASURES: dict[str, Callable[[str], float]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "capitals": lambda text: _share(text, string.ascii_uppercase.encode()),
    "digits": lambda text: _share(text, string.digits.encode()),
    "marks": lambda text: _share(text, string.punctuation.encode()),
}
"""What can be measured of a text: lengths, and which share of its characters are some of ASCII."""


def _share(text: str, kind: bytes) -> float:
    content = text.encode(errors="replace")
    return (len(content) - len(content.translate(None, kind))) / len(text) if text else 0.0


class TextEncoder(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Texts become some measures, and numbers that say what they have in common with other texts.

    A missing text counts as an empty one; words that were not there in training add nothing.
    """

    name: str
    measures: tuple[str, ...] = ("characters", "words")
    words: TextSpace | None = None
    letters: TextSpace | None = None

    def __post_init__(self) -> None:
        unknown = [measure for measure in self.measures if measure not in MEASURES]
        if unknown:
            raise ValueError(f"measures of {self.name!r} must be of {', '.join(MEASURES)}, not {unknown[0]!r}")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        parts = [*self.measures]
        for kind, space in (("topic", self.words), ("spelling", self.letters)):
            parts += [f"{kind} {number}" for number in range(1, space.components + 1 if space else 1)]
        return tuple(f"{self.name}: {part}" for part in parts)

    def encode(self, cell: Cell) -> tuple[float, ...]:
        """Return the text's numbers."""
        return tuple(self.encode_many([cell])[0].tolist())

    def encode_many(self, cells: Sequence[Cell]) -> NDArray[np.float64]:
        """Return the numbers (n, outputs) of many texts."""
        texts = ["" if cell is None or cell != cell else spell(cell) for cell in cells]  # only NaN differs from itself
        measured = [[MEASURES[measure](text) for measure in self.measures] for text in texts]
        spaces = [space for space in (self.words, self.letters) if space is not None]
        numbers = np.array(measured, dtype=np.float64).reshape(len(texts), len(self.measures))
        return np.concatenate([numbers, embed_texts(texts, spaces)], axis=1) if spaces else numbers


SEQUENCE_STATISTICS = (
    *("count", "missing", "mean", "std", "min", "q25", "median", "q75", "max", "first", "last"),
    *("slope", "mean_abs_change", "autocorrelation", "mean_crossings", "argmin", "argmax"),
)


class SequenceEncoder(msgspec.Struct, frozen=True, kw_only=True, tag="sequence"):
    """Sequences of numbers become statistics of them; a cell without a number is missing."""

    name: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        return tuple(f"{self.name}: {statistic}" for statistic in SEQUENCE_STATISTICS)

    def encode(self, cell: Cell) -> tuple[float, ...]:
        """Return the sequence's statistics."""
        parsed = [] if cell is None else parse_sequence(spell(cell))
        if not parsed:
            return (math.nan,) * len(SEQUENCE_STATISTICS)
        return _summarise(np.array(parsed))


def _summarise(sequence: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the statistics of the numbers of a sequence, of which at least one is not missing."""
    places = np.flatnonzero(np.abs(sequence) < LARGEST).astype(np.float64)
    numbers = sequence[places.astype(np.int64)]
    count = len(numbers)
    if not count:
        return (math.nan,) * len(SEQUENCE_STATISTICS)
    low, median, high = np.quantile(numbers, [0.25, 0.5, 0.75])
    offsets, steps = numbers - numbers.mean(), places - places.mean()
    spread, span = float((offsets**2).sum()), float((steps**2).sum())
    above = offsets > 0
    last = max(len(sequence) - 1, 1)
    statistics = (
        float(count),
        float(len(sequence) - count),
        float(numbers.mean()),
        math.sqrt(spread / count),
        float(numbers.min()),
        float(low),
        float(median),
        float(high),
        float(numbers.max()),
        float(numbers[0]),
        float(numbers[-1]),
        float((steps * offsets).sum()) / span if span else 0.0,
        float(np.abs(np.diff(numbers)).mean()) if count > 1 else 0.0,
        float((offsets[1:] * offsets[:-1]).sum()) / spread if spread else 0.0,
        float((above[1:] != above[:-1]).mean()) if count > 1 else 0.0,
        float(places[numbers.argmin()]) / last,
        float(places[numbers.argmax()]) / last,
    )
    return tuple(number if abs(number) < LARGEST else math.nan for number in statistics)


Encoder = NumericEncoder | CategoricalEncoder | DatetimeEncoder | TextEncoder | SequenceEncoder


def spell(cell: str | float) -> str:
    """Return a category as text: whole numbers without a fraction, so that 3.0 and "3" are one."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
