"""What the best of many candidates is worth: being chosen by a figure makes that figure look better than it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def predict_advantage(losses: NDArray[np.float64]) -> float:
    """Return how much better the best candidate's figure is than what choosing gives on rows that had no say in it.

    For each part of the rows, the candidate that is best on the other parts is scored on it. After the nested form of
    cross-validation, and Tibshirani and Tibshirani (Annals of Applied Statistics, 2009).

    Args:
        losses: (candidates, parts) the loss of each candidate on each part of the rows; less is better.
    """
    known = losses[:, np.isfinite(losses).all(axis=0)]
    parts = known.shape[1]
    if len(known) < 2 or parts < 2:
        return 0.0
    others = known.sum(axis=1, keepdims=True) - known
    chosen = known[np.argmin(others, axis=0), np.arange(parts)]
    return max(float(chosen.mean() - known.mean(axis=1).min()), 0.0)
