"""What raw scores mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import Link
from gyropilot.engine.task import ProblemType

Numbers = NDArray[np.float64]


def to_predictions(raw: Numbers, problem_type: ProblemType, link: Link = Link.LOGIT) -> Numbers:
    """Return what raw scores (n, outputs) mean: probabilities (n, classes), or amounts (n,)."""
    if problem_type is ProblemType.REGRESSION:
        return raw[:, 0]
    if problem_type is ProblemType.BINARY:
        positive = raw[:, 0] if link is Link.IDENTITY else 1 / (1 + np.exp(-np.clip(raw[:, 0], -500, 500)))
        return np.stack([1 - positive, positive], axis=1)
    if link is Link.IDENTITY:
        return raw
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    probabilities: Numbers = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
