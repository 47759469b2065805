"""Principal components of amounts."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.feature import Feature, find_others
from gyropilot.engine.features.recipes.scaling import find_scale

MAX_COMPONENTS = 64
KEPT_VARIANCE = 0.98
"""Components are kept until so much of the variance is explained."""
LIMIT = 5.0
"""Scaled amounts are clipped to this distance from 0: no single row decides a direction."""

Matrix = NDArray[np.float32]


class RobustPCA(msgspec.Struct, frozen=True, kw_only=True, tag="robust-pca"):
    """The first principal components take the place of scaled and clipped amounts, after all columns that stay.

    Missing amounts count as the center.
    """

    columns: tuple[int, ...]
    """The columns of amounts."""
    center: NDArray[np.float32]
    """(columns,) what is taken off each."""
    scale: NDArray[np.float32]
    """(columns,) what each is divided by."""
    mean: NDArray[np.float32]
    """(columns,) the mean of each then."""
    directions: NDArray[np.float32]
    """(columns, components)."""

    @classmethod
    def fit(cls, matrix: Matrix, features: tuple[Feature, ...]) -> RobustPCA | None:
        """Return the step for these rows; None where there are fewer than three columns of amounts."""
        columns = tuple(place for place, feature in enumerate(features) if not feature.levels)
        if len(columns) < 3:
            return None
        scales = [find_scale(matrix[:, column]) for column in columns]
        center, scale = (np.array(each, dtype=np.float32) for each in zip(*scales, strict=True))
        scaled = _scale(matrix[:, columns], center, scale)
        mean = scaled.mean(axis=0)
        variances, turned = np.linalg.eigh(np.cov(scaled - mean, rowvar=False))
        shares = np.cumsum(variances[::-1]) / max(float(variances.sum()), 1e-300)
        count = min(int(np.searchsorted(shares, KEPT_VARIANCE)) + 1, MAX_COMPONENTS, len(columns))
        return cls(
            columns=columns,
            center=center,
            scale=scale,
            mean=mean.astype(np.float32),
            directions=_orient(turned[:, ::-1][:, :count]).astype(np.float32),
        )

    def rename(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return what the columns are afterwards."""
        if self.directions.ndim != 2:
            raise ValueError(f"step 'robust-pca' has directions of shape {self.directions.shape}")
        stay = [feature for place, feature in enumerate(features) if place not in self.columns]
        count = self.directions.shape[1]
        return (*stay, *(Feature(name=f"component {number}") for number in range(1, count + 1)))

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the matrix with components in place of amounts."""
        stay = find_others(self.columns, matrix.shape[1])
        scaled = _scale(matrix[:, self.columns], self.center, self.scale) - self.mean
        # In double precision, so that what rounding leaves hardly depends on how many rows there are.
        components = scaled @ self.directions.astype(np.float64)
        return np.concatenate([matrix[:, stay], components], axis=1, dtype=np.float32)


def _scale(amounts: Matrix, center: Matrix, scale: Matrix) -> NDArray[np.float64]:
    scaled = np.clip((amounts.astype(np.float64) - center) / scale, -LIMIT, LIMIT)
    return np.where(np.isnan(scaled), 0.0, scaled)


def _orient(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return directions whose largest coordinate is above 0: the same on every machine."""
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    oriented: NDArray[np.float64] = directions * np.where(largest < 0, -1, 1)
    return oriented
