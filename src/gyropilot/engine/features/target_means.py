"""What the answers of a category are on average, learned for each fold without the rows that it is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.derivations import Lookup, find_keys, make_lookup

PRIOR_ROWS = 10.0
"""The mean of all rows counts as much as so many rows of each category."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TargetMeans:
    """A column of means for every fold."""

    lookups: tuple[Lookup, ...]
    """For each fold that has a model: the means of all rows outside it, which serving and scoring look up."""
    columns: NDArray[np.float32]
    """(n, models): what the fold's model learns from. Rows that it is trained on see means without their own fold."""


def fit_target_means(
    features: NDArray[np.float32],
    name: str,
    column: int,
    target: Numbers,
    weights: Numbers,
    folds: Sequence[NDArray[np.bool_]],
    models: int,
) -> TargetMeans:
    """Return the means of the answers for each category of a column.

    The model of a fold is trained on rows of the others. If it saw means that a row's own answer is part of, it would
    trust them more than new rows deserve; so each of its rows gets the mean over the folds that are neither.

    Args:
        features: (n, p) encoded rows.
        name: what the columns are called, with the fold's number after it.
        column: the column of categories.
        target: (n,) amounts, or 0 and 1.
        weights: (n,) row weights.
        folds: for each fold, (n,) which rows it has; rows of no fold are only scored.
        models: so many folds, the first, have models.
    """
    keys = find_keys(features, [column])
    size = int(keys.max()) + 1
    counts = np.stack([np.bincount(keys[fold], weights=weights[fold], minlength=size) for fold in folds])
    sums = np.stack([np.bincount(keys[fold], weights=(weights * target)[fold], minlength=size) for fold in folds])
    columns = np.empty((len(keys), models), dtype=np.float32)
    lookups = []
    for number in range(models):
        count, total = counts.sum(axis=0) - counts[number], sums.sum(axis=0) - sums[number]
        means, default = _smooth(count, total)
        columns[:, number] = means[keys]
        for other, fold in enumerate(folds):
            if other != number:
                columns[fold, number] = _smooth(count - counts[other], total - sums[other])[0][keys[fold]]
        lookups.append(
            make_lookup(f"{name}: mean answer {number}", [column], np.arange(size), means.astype(np.float64), default)
        )
    return TargetMeans(lookups=tuple(lookups), columns=columns)


def _smooth(count: Numbers, total: Numbers) -> tuple[NDArray[np.float32], float]:
    """Return each key's mean, drawn towards the mean of all, and the latter."""
    mean = float(total.sum() / max(count.sum(), 1e-300))
    smooth: NDArray[np.float32] = ((total + PRIOR_ROWS * mean) / (count + PRIOR_ROWS)).astype(np.float32)
    return smooth, mean
