"""Statistics of systems over data sets: ranks, win rates, relative errors, and how sure they are.

An error is the less the better; infinity stands for a run that failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 5_000
CONFIDENCE_PER_CENT = 95.0
TINY_ERROR = 1e-9
"""What an error is divided by that is nothing."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A statistic over data sets and its 95 % interval."""

    value: float
    low: float
    high: float
    sets: int
    """How many data sets it is of."""


def rank(errors: Mapping[str, float]) -> dict[str, float]:
    """Return the place of each system, 1 the best; equal errors share the mean of their places, failures are last."""
    ordered = sorted(value for value in errors.values() if math.isfinite(value))
    ranks = {}
    for system, value in errors.items():
        if math.isfinite(value):
            before = sum(other < value for other in ordered)
            ranks[system] = before + (1 + ordered.count(value)) / 2
        else:
            ranks[system] = float(len(errors))
    return ranks


def judge(own: float, other: float) -> float:
    """Return 1 for a win, 0 for a loss, and a half for equal errors or when both failed."""
    return 0.5 if own == other else float(own < other)


def compare_with_best(errors: Mapping[str, float]) -> dict[str, float]:
    """Return by which share each error is above the best of the data set; a failure has the largest share of them.

    A set on which every system failed has no shares.
    """
    finished = [value for value in errors.values() if math.isfinite(value)]
    if not finished:
        return {}
    best, worst = min(finished), max(finished)
    return {system: (min(value, worst) - best) / max(best, TINY_ERROR) for system, value in errors.items()}


def bootstrap(
    values: Sequence[float], statistic: Callable[[Numbers], Numbers] | None = None, *, seed: int = 0
) -> Estimate:
    """Return a statistic over data sets with percentiles of it over resampled sets.

    Args:
        values: one for each data set.
        statistic: takes (resamples, sets) and returns (resamples,); None: the mean.
        seed: where the drawing of sets starts.

    Raises:
        ValueError: when there are no values.
    """
    if not len(values):
        raise ValueError("there is no data set to draw from")
    measure = statistic or mean
    observed = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(observed), size=(RESAMPLES, len(observed)))
    tail = (100.0 - CONFIDENCE_PER_CENT) / 2
    low, high = np.percentile(measure(observed[drawn]), [tail, 100.0 - tail])
    return Estimate(value=float(measure(observed[np.newaxis])[0]), low=float(low), high=float(high), sets=len(observed))


def mean(values: Numbers) -> Numbers:
    """Return the mean of each row."""
    averages: Numbers = values.mean(axis=1)
    return averages


def median(values: Numbers) -> Numbers:
    """Return the median of each row."""
    medians: Numbers = np.median(values, axis=1)
    return medians


def geometric_mean(values: Numbers) -> Numbers:
    """Return the geometric mean of each row of positive numbers."""
    means: Numbers = np.exp(np.log(values).mean(axis=1))
    return means
