"""Metrics of amounts. Answers, predictions and weights are numbers (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def mse(target: Numbers, values: Numbers, weights: Numbers) -> float:
    """Mean squared error, in squared units of the target."""
    return float(np.average((target - values) ** 2, weights=weights))


def rmse(target: Numbers, values: Numbers, weights: Numbers) -> float:
    """Root of the mean squared error, in units of the target."""
    return float(np.sqrt(mse(target, values, weights)))


def mae(target: Numbers, values: Numbers, weights: Numbers) -> float:
    """Mean absolute error, in units of the target."""
    return float(np.average(np.abs(target - values), weights=weights))


def r2(target: Numbers, values: Numbers, weights: Numbers) -> float:
    """Share of the target's variance that is explained; 1 is perfect, 0 as good as the mean, below is worse.

    NaN when there is no variance.
    """
    spread = float(np.average((target - np.average(target, weights=weights)) ** 2, weights=weights))
    return 1 - mse(target, values, weights) / spread if spread else float("nan")
