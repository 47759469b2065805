"""Which of a table's columns a fit sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.contracts import (
    DERIVED,
    PLAIN,
    Fit,
    Parameters,
    Part,
    Progress,
    SymmetricTrees,
    TrainingData,
    Trees,
)

COLUMNS, ALL = "columns", "all"
"""A parameter of plans, and its value for those that also learn from derived columns."""


def begin_fit(data: TrainingData, algorithm: str, fold: int, parameters: Parameters, seed: int) -> Fit:
    """Begin a fit on the columns that its parameters ask for: the plain ones, or the derived ones, too."""
    settings = {name: value for name, value in parameters.items() if name != COLUMNS}
    if not data.column_folds:
        return ALGORITHMS[algorithm].begin(data, fold, settings, seed)
    if parameters.get(COLUMNS) != ALL:
        return ALGORITHMS[algorithm].begin(_plain_view(data), fold, settings, seed)
    view, places = _whole_view(data, fold)
    return _ViewedFit(ALGORITHMS[algorithm].begin(view, fold, settings, seed), places)


def _plain_view(data: TrainingData) -> TrainingData:
    """Return the table without its derived columns, which stand last."""
    if PLAIN not in data.cache:
        count = data.column_folds.count(PLAIN)
        data.cache[PLAIN] = _take(data, slice(0, count), data.features[:, :count])
    view: TrainingData = data.cache[PLAIN]
    return view


def _whole_view(data: TrainingData, fold: int) -> tuple[TrainingData, NDArray[np.int32]]:
    """Return the codes of all columns but those of other folds, and where these columns are in the table."""
    key = COLUMNS, fold
    if key not in data.cache:
        seen = [number for number, owner in enumerate(data.column_folds) if owner in {PLAIN, DERIVED, fold}]
        nothing = np.empty((len(data.features), 0), dtype=np.float32)
        data.cache[key] = _take(data, np.array(seen, dtype=np.int32), nothing), np.array(seen, dtype=np.int32)
    view: tuple[TrainingData, NDArray[np.int32]] = data.cache[key]
    return view


def _take(data: TrainingData, columns: slice | NDArray[np.int32], features: NDArray[np.float32]) -> TrainingData:
    numbers = np.arange(len(data.levels))[columns].tolist()
    is_whole = len(numbers) == len(data.levels)
    return replace(
        data,
        features=features,
        codes=data.codes if is_whole else data.codes[:, columns],  # a copy, unless they stand side by side
        borders=[data.borders[number] for number in numbers],
        levels=tuple(data.levels[number] for number in numbers),
        column_folds=(),
        cache={},
    )


class _ViewedFit:
    """A fit on some columns, whose part speaks of all."""

    def __init__(self, fit: Fit, places: NDArray[np.int32]) -> None:
        self._fit = fit
        self._places = places

    def advance(self, max_steps: int, seconds: float) -> Progress:
        return self._fit.advance(max_steps, seconds)

    def predict(self, steps: int) -> NDArray[np.float64]:
        return self._fit.predict(steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        return self._fit.score_rows(rows, steps)

    def part(self, steps: int) -> Part:
        part = self._fit.part(steps)
        assert isinstance(part, Trees | SymmetricTrees), "only learners of codes are given a view of all columns"
        return replace(part, feature=np.where(part.feature < 0, -1, self._places[part.feature]).astype(np.int32))
