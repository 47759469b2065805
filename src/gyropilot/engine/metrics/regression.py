"""Metrics of amounts. Answers and predictions are numbers (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def mse(target: Numbers, values: Numbers) -> float:
    """Mean squared error, in squared units of the target."""
    return float(np.mean((target - values) ** 2))


def rmse(target: Numbers, values: Numbers) -> float:
    """Root of the mean squared error, in units of the target."""
    return float(np.sqrt(mse(target, values)))


def mae(target: Numbers, values: Numbers) -> float:
    """Mean absolute error, in units of the target."""
    return float(np.mean(np.abs(target - values)))


def r2(target: Numbers, values: Numbers) -> float:
    """Share of the target's variance that is explained; 1 is perfect, 0 as good as the mean, below is worse."""
    return 1 - mse(target, values) / float(np.var(target))
