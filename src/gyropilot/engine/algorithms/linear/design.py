"""The design matrix of linear models: scaled amounts, marks of missing amounts, marks of categories.

It does not see the target, so all folds share it and their weights can be averaged exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import Linear, TrainingData
from gyropilot.engine.features.encoders import UNSEEN

MAX_LEVELS = 30
"""Only so many of a column's categories, the most frequent, get weights of their own."""
LIMIT = 5.0
SAMPLE = 200_000
"""So many rows of a long table tell the scales of its columns."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a row of numbers becomes a row of the design matrix; the fields are those of `Linear`."""

    numeric: NDArray[np.int32]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    marked: NDArray[np.int32]
    category: NDArray[np.int32]
    level: NDArray[np.float32]

    @property
    def width(self) -> int:
        """How many columns the design matrix has."""
        return len(self.numeric) + len(self.marked) + len(self.category)

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (n, a + b + c) design matrix."""
        amounts = (features[:, self.numeric] - self.center) / self.scale
        amounts = np.clip(np.where(np.isnan(amounts), 0, amounts), -LIMIT, LIMIT)
        missing = np.isnan(features[:, self.marked])
        marks = features[:, self.category] == self.level
        return np.concatenate([amounts, missing, marks], axis=1, dtype=np.float32)

    def part(self, weights: NDArray[np.float64], intercept: NDArray[np.float64]) -> Linear:
        """Return the linear model of these weights (a + b + c, outputs)."""
        return Linear(**vars(self), limit=LIMIT, weights=weights, intercept=intercept)


def fit_design(data: TrainingData) -> Design:
    """Return the design of a table."""
    rows = len(data.target)
    features = data.features[: rows : -(-rows // SAMPLE)]
    levels = np.array(data.levels, dtype=np.int64)
    numeric = np.flatnonzero(levels == 0).astype(np.int32)
    amounts = features[:, numeric]
    known = ~np.isnan(amounts)
    count = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, amounts, 0).sum(axis=0, dtype=np.float64) / count
    spread = np.sqrt(np.where(known, (amounts - center) ** 2, 0).sum(axis=0, dtype=np.float64) / count)
    pairs = [
        (column, level)
        for column in np.flatnonzero(levels > 0)
        for level in (UNSEEN, *map(float, range(min(int(levels[column]), MAX_LEVELS))))
    ]
    return Design(
        numeric=numeric,
        center=center.astype(np.float32),
        scale=np.where(spread > 0, spread, 1).astype(np.float32),
        marked=np.flatnonzero(np.isnan(features).any(axis=0)).astype(np.int32),
        category=np.array([column for column, _ in pairs], dtype=np.int32),
        level=np.array([level for _, level in pairs], dtype=np.float32),
    )
