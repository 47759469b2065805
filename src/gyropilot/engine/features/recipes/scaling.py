"""Amounts of comparable size: far ones drawn in, all centred and scaled."""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.feature import Feature

TAILS = 0.01, 0.99
"""Between these quantiles amounts stay what they are."""
FAR = 0.5
"""A column has extreme amounts when one lies farther outside than this share of the distance between the two."""

Matrix = NDArray[np.float32]


class ExtremeValues(msgspec.Struct, frozen=True, kw_only=True, tag="extreme-values", dict=True):
    """Amounts far outside the bulk of their column are drawn in: the distance to it grows as its square root does."""

    columns: tuple[int, ...]
    """The columns that have such amounts."""
    low: tuple[float, ...]
    """Where the bulk of each begins."""
    high: tuple[float, ...]
    """Where it ends."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> ExtremeValues | None:
        """Return the step for the columns of these rows that have extreme amounts; None where none has."""
        found = []
        for place, feature in enumerate(features):
            column = matrix[:, place]
            present = column[~np.isnan(column)]
            if feature.levels or not len(present):
                continue
            low, high = np.quantile(present, TAILS, method="lower").astype(np.float32).tolist()
            outside = max(low - float(present.min()), float(present.max()) - high)
            if high > low and outside > FAR * (high - low):
                found.append((place, low, high))
        return cls(**dict(zip(("columns", "low", "high"), zip(*found, strict=True), strict=True))) if found else None

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards: the same."""
        return features

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix with extreme amounts drawn in, by operations that give a row the same alone."""
        columns, low, high = self._arrays
        drawn = matrix.copy()
        amounts = matrix[:, columns].astype(np.float64)
        bulk = np.minimum(np.maximum(amounts, low), high)
        span = high - low
        beyond = np.abs(amounts - bulk) / span
        inside = span * (np.sqrt(1 + 2 * beyond) - 1)
        drawn[:, columns] = bulk + np.where(amounts < low, -inside, inside)
        return drawn

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        return np.array(self.columns, dtype=np.intp), np.array(self.low), np.array(self.high)


class RobustScaler(msgspec.Struct, frozen=True, kw_only=True, tag="robust-scale", dict=True):
    """Amounts less their median, divided by the distance of their quartiles; by their deviation where that is 0."""

    columns: tuple[int, ...]
    """The columns of amounts."""
    center: tuple[float, ...]
    """What is taken off each."""
    scale: tuple[float, ...]
    """What each is divided by."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> RobustScaler | None:
        """Return the step for these rows; None where there are no amounts."""
        columns = tuple(place for place, feature in enumerate(features) if not feature.levels)
        scales = [find_scale(matrix[:, column]) for column in columns]
        if not columns:
            return None
        return cls(columns=columns, center=tuple(c for c, _ in scales), scale=tuple(s for _, s in scales))

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards: the same."""
        return features

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix with scaled amounts; missing ones stay missing."""
        columns, center, scale = self._arrays
        scaled = matrix.copy()
        scaled[:, columns] = (matrix[:, columns] - center) / scale
        return scaled

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.intp], Matrix, Matrix]:
        center, scale = (np.array(each, dtype=np.float32) for each in (self.center, self.scale))
        return np.array(self.columns, dtype=np.intp), center, scale


def find_scale(column: Matrix) -> tuple[float, float]:
    """Return the center and scale of a column, as single precision keeps them."""
    present = column[~np.isnan(column)].astype(np.float64)
    if not len(present):
        return 0.0, 1.0
    low, center, high = np.quantile(present, [0.25, 0.5, 0.75])
    if high > low:
        return float(np.float32(center)), float(np.float32(high - low)) or 1.0
    return float(np.float32(present.mean())), float(np.float32(present.std())) or 1.0
