"""How far figures would differ on other rows: standard deviations as AWS has them, and intervals by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyropilot.engine.quality.evidence import Evidence, Numbers
from gyropilot.engine.quality.figures import Figures, Measure

FEWEST_ROWS = 200
"""With fewer rows AWS gives no standard deviation."""
SUBSETS, SUBSET_SHARE = 5, 0.8
BOOTSTRAPS, MAX_DRAWS = 200, 20_000
"""So many resamples are measured. Of more rows than these, so many are drawn, and what they show is scaled down to all
(the m out of n bootstrap)."""
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure and its uncertainty."""

    value: float
    """On all rows."""
    standard_deviation: float
    """Over five random subsets of 80 % of the rows; NaN for fewer than 200 rows."""
    low: float
    """Lower end of the 95 % confidence interval."""
    high: float
    """Its upper end."""


def measure_uncertainty(evidence: Evidence, measure: Measure, seed: int) -> dict[str, Figure]:
    """Return every figure with its uncertainty."""
    values = measure(np.ones(len(evidence.target)))
    spreads = _measure_subsets(evidence, measure, seed)
    deviations = _measure_bootstraps(evidence, measure, values, seed)
    return {
        name: Figure(
            value=value,
            standard_deviation=spreads.get(name, float("nan")),
            low=value + deviations[name][0],
            high=value + deviations[name][1],
        )
        for name, value in values.items()
    }


def _measure_subsets(evidence: Evidence, measure: Measure, seed: int) -> dict[str, float]:
    count = len(evidence.target)
    if count < FEWEST_ROWS:
        return {}
    random = np.random.default_rng([seed, 1])
    found = []
    for _ in range(SUBSETS):
        chosen = np.zeros(count)
        chosen[random.choice(count, round(SUBSET_SHARE * count), replace=False)] = 1
        found.append(measure(chosen))
    return {name: float(np.std([each[name] for each in found])) for name in found[0]}


def _measure_bootstraps(
    evidence: Evidence, measure: Measure, values: Figures, seed: int
) -> dict[str, tuple[float, float]]:
    """Return, for each figure, how far below and above its value the interval ends."""
    count = len(evidence.target)
    draws = min(count, MAX_DRAWS)
    random = np.random.default_rng([seed, 2])
    found: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(BOOTSTRAPS):
        times = np.bincount(random.integers(0, count, draws), minlength=count)
        for name, value in measure(times.astype(np.float64)).items():
            found[name].append(value - values[name])
    scale = np.sqrt(draws / count)
    return {name: _ends(np.array(each) * scale) for name, each in found.items()}


def _ends(deviations: Numbers) -> tuple[float, float]:
    known = deviations[~np.isnan(deviations)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [LOW, HIGH])
    return float(low), float(high)
