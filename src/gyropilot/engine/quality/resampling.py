"""How far figures would differ on other rows: standard deviations as AWS has them, and intervals by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyropilot.engine.quality.evidence import Evidence, Numbers
from gyropilot.engine.quality.figures import Measure, open_measure

FEWEST_ROWS = 200
"""With fewer rows AWS gives no standard deviation."""
SUBSETS, SUBSET_SHARE = 5, 0.8
BOOTSTRAPS = 200
"""So many resamples are measured."""
BAGS, BAG_ROWS = 5, 20_000
"""Of more rows, so many bags of so many rows are drawn, and each is resampled to as many rows as there are in all: the
bag of little bootstraps (Kleiner et al., 2014), whose time does not grow with the rows."""
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


def measure_uncertainty(evidence: Evidence, seed: int) -> dict[str, Figure]:
    """Return every figure with its uncertainty."""
    measure = open_measure(evidence)
    values = measure(np.ones(len(evidence.target)))
    spreads = _measure_subsets(evidence, measure, seed)
    deviations = _measure_bootstraps(evidence, seed)
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


def _measure_bootstraps(evidence: Evidence, seed: int) -> dict[str, tuple[float, float]]:
    """Return, for each figure, how far below and above its value the interval ends."""
    count = len(evidence.target)
    random = np.random.default_rng([seed, 2])
    bags = [evidence]
    if count > BAG_ROWS:
        bags = [evidence.take(random.choice(count, BAG_ROWS, replace=False)) for _ in range(BAGS)]
    found: dict[str, list[float]] = {}
    for bag in bags:
        measure, rows = open_measure(bag), len(bag.target)
        values = measure(np.ones(rows))
        for _ in range(BOOTSTRAPS // len(bags)):
            times = random.multinomial(count, np.full(rows, 1 / rows)).astype(np.float64)
            for name, value in measure(times).items():
                found.setdefault(name, []).append(value - values[name])
    return {name: _ends(np.array(each)) for name, each in found.items()}


def _ends(deviations: Numbers) -> tuple[float, float]:
    known = deviations[~np.isnan(deviations)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [LOW, HIGH])
    return float(low), float(high)
