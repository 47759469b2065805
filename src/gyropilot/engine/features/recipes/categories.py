"""Categories as marks, or as the numbers that they have."""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.encoders import UNSEEN
from gyropilot.engine.features.feature import Feature, find_others

LEAST_SHARE, LEAST_ROWS = 0.002, 5
"""A category of fewer rows than this share, or this many, has no mark of its own."""
MAX_MARKS = 1000
"""All columns together have about so many marks at most, and each a few."""
FEW_MARKS = 10
MAX_LEVELS = 2000
"""Only so many of a column's categories, the most frequent, keep a number of their own."""

Matrix = NDArray[np.float32]


class ThresholdOneHot(msgspec.Struct, frozen=True, kw_only=True, tag="one-hot", dict=True):
    """Marks take the place of categories: one for each frequent one, for all others, and for missing cells.

    The marks come after all columns that stay.
    """

    columns: tuple[int, ...]
    """The columns of categories."""
    kept: tuple[int, ...]
    """How many of each one's categories, the most frequent, have a mark of their own."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> ThresholdOneHot | None:
        """Return the step for these rows; None where there are no categories."""
        columns = tuple(place for place, feature in enumerate(features) if feature.levels)
        if not columns:
            return None
        most = max(MAX_MARKS // len(columns), FEW_MARKS)
        threshold = max(LEAST_SHARE * len(matrix), LEAST_ROWS)
        kept = (min(_count_frequent(matrix[:, column], threshold), most) for column in columns)
        return cls(columns=columns, kept=tuple(kept))

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards."""
        for column, kept in zip(self.columns, self.kept, strict=True):
            if not 0 <= kept <= features[column].levels:
                raise ValueError(f"step 'one-hot' keeps {kept} categories of {features[column].levels}")
        stay = [feature for place, feature in enumerate(features) if place not in self.columns]
        marks = [
            Feature(name=f"{features[column].name}: {mark}")
            for column, kept in zip(self.columns, self.kept, strict=True)
            for mark in (*(f"category {number + 1}" for number in range(kept)), "other", "missing")
        ]
        return (*stay, *marks)

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix with marks in place of categories."""
        columns, levels, most = self._marks
        codes = matrix[:, columns]
        # A rare category, and one never seen, has the number of "other".
        known = np.where((codes < 0) | (codes >= most), most, codes)
        known = np.where(np.isnan(codes), most + 1, known)
        return np.concatenate(
            [matrix[:, find_others(self.columns, matrix.shape[1])], known == levels], axis=1, dtype=np.float32
        )

    @cached_property
    def _marks(self) -> tuple[NDArray[np.intp], Matrix, Matrix]:
        sizes = np.array(self.kept) + 2
        columns = np.repeat(np.array(self.columns, dtype=np.intp), sizes)
        levels = np.concatenate([np.arange(size) for size in sizes]).astype(np.float32)
        return columns, levels, np.repeat(np.array(self.kept), sizes).astype(np.float32)


class Ordinal(msgspec.Struct, frozen=True, kw_only=True, tag="ordinal", dict=True):
    """Categories stay numbers, in the order of how often they occurred; the rarest of very many count as never seen.

    Trees compare these numbers; networks and linear models look up what they stand for.
    """

    columns: tuple[int, ...]
    """The columns of categories."""
    kept: int = MAX_LEVELS
    """How many of each one's categories keep their number."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> Ordinal | None:  # noqa: ARG003  # as all steps have it
        """Return the step for these rows; None where there are no categories."""
        columns = tuple(place for place, feature in enumerate(features) if feature.levels)
        return cls(columns=columns) if columns else None

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards."""
        renamed = list(features)
        for column in self.columns:
            levels = min(features[column].levels, self.kept)
            renamed[column] = msgspec.structs.replace(features[column], levels=levels)
        return tuple(renamed)

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix in which rare categories are never seen ones."""
        ordered = matrix.copy()
        codes = matrix[:, self.columns]
        ordered[:, self.columns] = np.where(codes >= self.kept, np.float32(UNSEEN), codes)
        return ordered


def _count_frequent(codes: Matrix, threshold: float) -> int:
    """Return how many categories there are, from the most frequent on, before one is rare."""
    counts = np.bincount(codes[codes >= 0].astype(np.int64))
    rare = np.flatnonzero(counts < threshold)
    return int(rare[0]) if len(rare) else len(counts)
