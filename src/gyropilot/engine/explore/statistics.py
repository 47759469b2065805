"""Figures of single columns: where their numbers lie, and how the answer depends on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.explore.figures import Histogram, Relation, Statistics
from gyropilot.engine.explore.power import Answers
from gyropilot.engine.explore.readings import Reading, split_numbers, write_cell, write_day
from gyropilot.engine.task import ColumnKind

BINS = 30
OUTLIER_RANGES = 3.0
"""Numbers further from the quartiles than so many times the range between these are outliers."""
STRETCHES = 10
"""Numbers are cut into so many stretches of as many rows each where the answer is shown along them."""
SHOWN_GROUPS = 12
OTHERS, MISSING = "(others)", "(missing)"

Numbers = NDArray[np.float64]


def find_outliers(numbers: Numbers) -> NDArray[np.bool_]:
    """Tell which numbers are outliers; of a column whose quartiles are equal none is."""
    lower, upper = np.nanquantile(numbers, [0.25, 0.75])
    reach = OUTLIER_RANGES * (upper - lower)
    outlying: NDArray[np.bool_] = (reach > 0) & ((numbers < lower - reach) | (numbers > upper + reach))
    return outlying


def summarise(numbers: Numbers) -> Statistics | None:
    """Return the figures of the numbers that are there; None when there is none."""
    filled = numbers[~np.isnan(numbers)]
    if not len(filled):
        return None
    low, lower, median, upper, high = np.quantile(filled, [0, 0.25, 0.5, 0.75, 1]).tolist()
    mean, deviation = float(filled.mean()), float(filled.std())
    scaled = (filled - mean) / deviation if deviation > 0 else np.zeros(1)
    return Statistics(
        mean=mean,
        deviation=deviation,
        minimum=low,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        maximum=high,
        skew=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean() - 3) if deviation > 0 else 0.0,
        outlier_share=float(find_outliers(filled).mean()),
    )


def count_in_bins(numbers: Numbers) -> Histogram | None:
    """Return the histogram of the numbers that are there, without the outliers; None when there is none."""
    filled = numbers[~np.isnan(numbers)]
    if not len(filled):
        return None
    inside = filled[~find_outliers(filled)]
    different = np.unique(inside)
    if len(different) <= BINS and np.all(different == np.floor(different)) and np.ptp(different) < 2 * BINS:
        edges = np.arange(different[0] - 0.5, different[-1] + 1.5)  # one bin for each whole number
    else:
        edges = np.histogram_bin_edges(inside, BINS)
    counts, edges = np.histogram(inside, edges)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()), outside=int(len(filled) - len(inside)))


def relate(reading: Reading, answers: Answers, shown: int) -> Relation:
    """Return how the answer depends on a column.

    Args:
        reading: the column.
        answers: what it is asked for.
        shown: how many of the answers are shown.
    """
    names, places = _name_groups(reading)
    chosen = places[answers.rows]
    counts = np.bincount(chosen, minlength=len(names))
    columns = [np.bincount(chosen, weights=answers.values[:, index], minlength=len(names)) for index in range(shown)]
    means = np.column_stack(columns) / np.maximum(counts, 1)[:, None]
    kept = np.flatnonzero(counts)
    return Relation(
        groups=tuple(names[index] for index in kept),
        rows=tuple(counts[kept].tolist()),
        answers=tuple(tuple(row) for row in means[kept].tolist()),
    )


def _name_groups(reading: Reading) -> tuple[list[str], NDArray[np.int64]]:
    if reading.places is not None:
        most = min(SHOWN_GROUPS, len(reading.categories))
        places = np.where(reading.places < 0, most + 1, np.minimum(reading.places, most))
        return [*reading.categories[:most], OTHERS, MISSING], places
    assert reading.numbers is not None
    places, count = split_numbers(reading.numbers, STRETCHES)
    write = write_day if reading.facts.kind is ColumnKind.DATETIME else write_cell
    ends = [
        [write(float(end)) for end in (inside.min(), inside.max())]
        for inside in (reading.numbers[places == place] for place in range(count - 1))
    ]
    return [*(low if low == high else f"{low} to {high}" for low, high in ends), MISSING], places
