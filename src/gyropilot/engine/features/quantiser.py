"""Cuts every feature into at most 256 codes, once, for all tree learners.

A code says between which two borders a number lies: code 0 is a missing number, code c the numbers up to border c.
"code <= c" and "number <= border c, or missing" are the same question, so trees that learned from codes answer for
numbers exactly when their thresholds are replaced by borders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_BORDERS = 254
SAMPLE = 200_000


def fit_borders(features: NDArray[np.float32], *, seed: int = 0) -> list[NDArray[np.float32]]:
    """Return each column's borders, ascending: between all neighbours if they are few, at quantiles otherwise.

    Args:
        features: (n, p) matrix; NaN for missing.
        seed: which rows of a long table are looked at.
    """
    if len(features) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(features), SAMPLE, replace=False))
        features = features[rows]
    return [_borders(features[:, column]) for column in range(features.shape[1])]


def quantise(features: NDArray[np.float32], borders: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Return the codes of an (n, p) matrix."""
    codes = np.empty(features.shape, dtype=np.uint8)
    for column, cuts in enumerate(borders):
        numbers = features[:, column]
        codes[:, column] = np.where(np.isnan(numbers), 0, 1 + np.searchsorted(cuts, numbers, side="left"))
    return codes


def _borders(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    present = numbers[~np.isnan(numbers)]
    distinct = np.unique(present)
    if len(distinct) <= MAX_BORDERS + 1:
        low, high = distinct[:-1], distinct[1:]
    else:
        ranks = np.linspace(0, 1, MAX_BORDERS + 2)[1:-1]
        low = np.unique(np.quantile(present, ranks, method="lower").astype(np.float32))
        high = distinct[np.minimum(np.searchsorted(distinct, low, side="right"), len(distinct) - 1)]
    middle = (low.astype(np.float64) + high.astype(np.float64)) / 2
    # Rounding to single precision must not lift a border to the number above it.
    borders = np.minimum(middle.astype(np.float32), np.nextafter(high, np.float32(-np.inf)))
    return np.unique(np.maximum(borders, low))
