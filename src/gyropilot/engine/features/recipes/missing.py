"""What stands for missing amounts, and marks of where they were."""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.feature import Feature

Matrix = NDArray[np.float32]


class MissingIndicators(msgspec.Struct, frozen=True, kw_only=True, tag="missing-indicators"):
    """Marks of missing amounts come after all columns: one for each column of amounts that had gaps in training."""

    columns: tuple[int, ...]
    """Those columns."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> MissingIndicators | None:
        """Return the step for the columns of these rows that have gaps; None where none has."""
        gaps = np.flatnonzero(np.isnan(matrix).any(axis=0)).tolist()
        columns = tuple(place for place in gaps if not features[place].levels)
        return cls(columns=columns) if columns else None

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards."""
        return (*features, *(Feature(name=f"{features[column].name} is missing") for column in self.columns))

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix (n, columns) with the marks after it."""
        return np.concatenate([matrix, np.isnan(matrix[:, self.columns])], axis=1, dtype=np.float32)


class RobustImputer(msgspec.Struct, frozen=True, kw_only=True, tag="robust-impute", dict=True):
    """The median of a column's amounts stands for those that are missing."""

    columns: tuple[int, ...]
    """The columns of amounts."""
    values: tuple[float, ...]
    """What is put into the gaps of each."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> RobustImputer | None:
        """Return the step for these rows; None where there are no amounts."""
        columns = tuple(place for place, feature in enumerate(features) if not feature.levels)
        values = (_median(matrix[:, column]) for column in columns)
        return cls(columns=columns, values=tuple(values)) if columns else None

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards: the same."""
        return features

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix without gaps in columns of amounts."""
        columns, values = self._arrays
        filled = matrix.copy()
        amounts = matrix[:, columns]
        filled[:, columns] = np.where(np.isnan(amounts), values, amounts)
        return filled

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.intp], Matrix]:
        return np.array(self.columns, dtype=np.intp), np.array(self.values, dtype=np.float32)


def _median(column: Matrix) -> float:
    present = column[~np.isnan(column)]
    return float(np.quantile(present, 0.5, method="lower")) if len(present) else 0.0
