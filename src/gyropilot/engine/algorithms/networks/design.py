"""What networks see of a row: bounded scaled amounts, their bins, marks of missing amounts, and table entries.

It does not see the target, so all folds share it and a candidate's networks read the same inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, Network, TrainingData

LIMIT = 3.0
FARTHEST = 1e4
"""Scaled amounts are clipped here first, so that their squares are finite."""
MAX_BIN_INPUTS = 512
"""Wide tables get fewer bins a column, down to none."""
MAX_LEVELS = 2000
"""Only so many of a column's categories, the most frequent, get embeddings of their own."""
EMBEDDING = 8
"""Numbers that a category becomes."""
SAMPLE = 100_000
SHARED_BYTES = 256 * 2**20

Numbers = NDArray[np.float32]
Whole = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a row of numbers becomes a network's inputs; the fields are those of `Network`."""

    numeric: Whole
    center: Numbers
    scale: Numbers
    limit: float
    binned: Whole
    start: Numbers
    width: Numbers
    marked: Whole
    category: Whole
    levels: Whole

    @property
    def number_count(self) -> int:
        """Columns of `numbers`."""
        return len(self.numeric) + len(self.binned) + len(self.marked)

    @property
    def entry_count(self) -> int:
        """Rows of the table of embeddings."""
        return int((self.levels + 2).sum())

    def numbers(self, features: Numbers) -> Numbers:
        """Return the (n, a + t + b) inputs that are numbers."""
        with np.errstate(over="ignore", invalid="ignore"):
            amounts = _scale(features[:, self.numeric], self.center, self.scale)
            amounts = np.clip(amounts, -FARTHEST, FARTHEST)
            amounts /= np.sqrt(np.square(amounts / np.float32(self.limit)) + np.float32(1))
            shares = np.clip(_scale(features[:, self.binned], self.start, self.width), 0, 1)
        return np.concatenate([amounts, shares, np.isnan(features[:, self.marked])], axis=1, dtype=np.float32)

    def entries(self, features: Numbers) -> NDArray[np.int64]:
        """Return the (n, c) rows of the table of embeddings: missing, never seen, then the levels of each column."""
        codes = features[:, self.category]
        kept = np.where(codes < self.levels, codes, -1)
        begin = np.cumsum([0, *(self.levels + 2)])[:-1]
        entries: NDArray[np.int64] = np.where(np.isnan(codes), -2, kept).astype(np.int64) + 2 + begin
        return entries

    def part(self, embeddings: Numbers, weights: list[Numbers], biases: list[Numbers], activation: str) -> Network:
        """Return the network of these arrays."""
        return Network(
            **vars(self), embeddings=embeddings, weights=tuple(weights), biases=tuple(biases), activation=activation
        )


class Inputs:
    """A table as networks see it: made at once when it is small enough, and row by row when it is not."""

    def __init__(self, data: TrainingData, bins: int) -> None:
        self.design = fit_design(data, bins)
        self._features = data.features
        bytes_ = 4 * len(data.features) * self.design.number_count + 8 * len(data.features) * len(self.design.category)
        self._made = self._make(data.features) if bytes_ <= SHARED_BYTES else None

    def take(self, rows: NDArray[np.int64]) -> tuple[Numbers, NDArray[np.int64]]:
        """Return the numbers and table entries of some rows."""
        if self._made is None:
            return self._make(self._features[rows])
        numbers, entries = self._made
        return numbers[rows], entries[rows]

    def _make(self, features: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
        return self.design.numbers(features), self.design.entries(features)


def share_inputs(data: TrainingData, bins: int) -> Inputs:
    """Return the table as networks see it: made once in a lane."""
    key = "networks", bins
    if key not in data.cache:
        data.cache[key] = Inputs(data, bins)
    inputs: Inputs = data.cache[key]
    return inputs


def fit_design(data: TrainingData, bins: int) -> Design:
    """Return the design of a table.

    Args:
        data: held-out rows are not looked at.
        bins: at most so many for each column of amounts.
    """
    rows = np.flatnonzero(data.folds != HOLDOUT)
    features = np.asarray(data.features[rows[:: -(-len(rows) // SAMPLE)]])
    levels = np.array(data.levels, dtype=np.int32)
    numeric = np.flatnonzero(levels == 0).astype(np.int32)
    category = np.flatnonzero(levels > 0).astype(np.int32)
    columns = [_present(features[:, column]) for column in numeric]
    scales = [_robust_scale(column) for column in columns]
    bins = min(bins, MAX_BIN_INPUTS // max(len(numeric), 1))
    borders = [_borders(column, bins) for column in columns]
    return Design(
        numeric=numeric,
        center=np.array([center for center, _ in scales], dtype=np.float32),
        scale=np.array([scale for _, scale in scales], dtype=np.float32),
        limit=LIMIT,
        binned=np.repeat(numeric, [max(len(each) - 1, 0) for each in borders]),
        start=np.concatenate([np.empty(0, dtype=np.float32), *(each[:-1] for each in borders)]),
        width=np.concatenate([np.empty(0, dtype=np.float32), *(np.diff(each) for each in borders)]),
        marked=np.flatnonzero(np.isnan(features).any(axis=0) & (levels == 0)).astype(np.int32),
        category=category,
        levels=np.minimum(levels[category], MAX_LEVELS),
    )


def _present(column: Numbers) -> Numbers:
    present = column[~np.isnan(column)]
    return present if len(present) else np.zeros(1, dtype=np.float32)


def _robust_scale(column: Numbers) -> tuple[float, float]:
    """Return the median and the distance of the quartiles, or the standard deviation of what is mostly one number."""
    low, center, high = np.quantile(column.astype(np.float64), [0.25, 0.5, 0.75])
    scale = high - low if high > low else column.std(dtype=np.float64)
    return float(center), float(np.float32(scale)) or 1.0


def _borders(column: Numbers, bins: int) -> Numbers:
    """Return the ascending borders of the bins; none for two different numbers.

    Half of them divide the rows evenly, half the different numbers: a column that is mostly 0 has bins for the rest.
    """
    ranks = np.linspace(0, 1, bins // 2 + 1)
    cuts = [np.quantile(numbers, ranks, method="lower") for numbers in (column, np.unique(column))]
    borders: Numbers = np.unique(np.concatenate(cuts))
    return borders if bins > 1 and len(borders) > 2 else borders[:0]


def _scale(numbers: Numbers, center: Numbers, scale: Numbers) -> Numbers:
    scaled = (numbers - center) / scale
    return np.where(np.isnan(scaled), np.float32(0), scaled)
