"""Prediction intervals from the residuals of rows that were not learned from: split conformal prediction.

Of exchangeable rows, a new one's residual lies among the known ones as if by lot, whatever the model and the data are
(Lei et al., "Distribution-free predictive inference for regression", JASA 2018). The probability holds over all rows
together, not for each kind of row: bounds have the same distance from every prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEPS = 200
"""Quantiles are kept for each half of a per cent."""
DIGITS = 7

Numbers = NDArray[np.float64]


def find_residual_quantiles(residuals: Numbers, weights: Numbers) -> tuple[float | None, ...]:
    """Return the quantiles at 0, 1/200, 2/200 and so on to 1; none where there are too few rows.

    Args:
        residuals: (n,) answers less predictions, by models that did not learn from the row.
        weights: (n,) how much each row counts.
    """
    above = _find_upper(residuals, weights)
    below = _find_upper(-residuals, weights)
    return (*(None if number is None else -number for number in reversed(below)), *above[1:])


def _find_upper(residuals: Numbers, weights: Numbers) -> list[float | None]:
    """Return the quantiles at 1/2 and each step above."""
    order = np.argsort(residuals)
    reached = np.cumsum(weights[order])
    total = reached[-1] + weights.mean()  # the new row counts as well
    places = np.searchsorted(reached, np.arange(STEPS // 2, STEPS + 1) / STEPS * total * (1 - 1e-12))
    found = residuals[order]
    return [float(f"{found[place]:.{DIGITS}g}") if place < len(found) else None for place in places.tolist()]


def find_bounds(quantiles: Sequence[float | None], level: float) -> tuple[float, float]:
    """Return how far below and above a prediction the answer lies with a probability of `level` or more.

    Raises:
        ValueError: when there are no quantiles, too few rows made them, or the level is none.
    """
    if not quantiles:
        raise ValueError("this model was stored without what prediction intervals need")
    if not 0 < level < 1:
        raise ValueError(f"the level of a prediction interval must be above 0 and below 1, not {level:g}")
    place = math.floor((1 - level) / 2 * STEPS + 1e-9)
    low, high = quantiles[place], quantiles[-1 - place]
    if low is None or high is None:
        raise ValueError(f"too few rows were scored for a prediction interval of level {level:g}; ask for a lower one")
    return low, high
