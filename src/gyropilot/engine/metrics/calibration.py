"""Makes probabilities bolder or more careful by one number, the temperature (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.metrics.classification import log_loss

Numbers = NDArray[np.float64]

FEWEST_ROWS = 100
"""With fewer rows a temperature follows chance."""
MAX_ROWS = 10_000
EXPONENTS = np.geomspace(0.25, 4, 17)
"""The powers that probabilities may be raised to; below 1 they become more careful."""
LEAST_GAIN = 0.001
"""A temperature that lowers the log loss of unseen rows by less than this share is not worth its place."""
SMALLEST = 1e-7


def sharpen(probabilities: Numbers, exponent: float) -> Numbers:
    """Return probabilities (n, classes) raised to a power, their rows brought back to 1."""
    powers = np.maximum(probabilities, SMALLEST) ** exponent
    sharpened: Numbers = powers / powers.sum(axis=1, keepdims=True)
    return sharpened


def fit_exponent(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Return the power, the inverse of the temperature, at which the log loss is least.

    Args:
        target: (n,) class numbers.
        probabilities: (n, classes) of rows that the model was not trained on.
        weights: (n,) row weights.
    """
    step = -(-len(target) // MAX_ROWS)
    rows = slice(None, None, step)
    losses = np.array([log_loss(target[rows], sharpen(probabilities[rows], each), weights[rows]) for each in EXPONENTS])
    best = int(np.argmin(losses))
    if not 0 < best < len(EXPONENTS) - 1:
        return float(EXPONENTS[best])
    # The loss is smooth in the logarithm of the power: a parabola through three points finds its lowest one.
    left, middle, right = losses[best - 1 : best + 2]
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve > 0 else 0.0
    return float(EXPONENTS[best] * (EXPONENTS[1] / EXPONENTS[0]) ** shift)


def calibrate(
    target: Numbers, probabilities: Numbers, weights: Numbers, folds: Sequence[NDArray[np.bool_]]
) -> tuple[float, Numbers]:
    """Return the power that suits all rows and the probabilities of each fold by the power that suits the others.

    The power is 1, and the probabilities stay, unless that lowers the log loss of the rows by a trace at least.

    Args:
        target: (n,) class numbers.
        probabilities: (n, classes) of rows that the model was not trained on.
        weights: (n,) row weights.
        folds: for each fold, (n,) which rows it has; together all rows.
    """
    if len(target) < FEWEST_ROWS:
        return 1.0, probabilities
    exponent = fit_exponent(target, probabilities, weights)
    honest = probabilities.copy()
    for inside in folds:
        outside = ~inside
        power = fit_exponent(target[outside], probabilities[outside], weights[outside]) if outside.any() else exponent
        honest[inside] = sharpen(probabilities[inside], power)
    before, after = (log_loss(target, each, weights) for each in (probabilities, honest))
    return (exponent, honest) if after < (1 - LEAST_GAIN) * before else (1.0, probabilities)
