"""Splits rows into folds for cross-validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.task import ProblemType

SMALL, MEDIUM = 20_000, 100_000
LEAST_INSIDE = 2


def count_folds(rows: int) -> int:
    """Return how many folds suit a table: more when rows are few and each counts."""
    if rows <= SMALL:
        return 5
    return 4 if rows <= MEDIUM else 3


def hold_out(target: NDArray[np.float64], problem_type: ProblemType, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return which rows are held out: about a fraction of every class, or of every stretch of the target's range.

    Of every class two rows at least stay inside, so that each fold's model learns from one of them.
    """
    parts = max(round(1 / min(fraction, 1 - fraction)), 2)
    fine = 20 * parts if len(target) >= 40 * parts else parts
    part = assign_folds(target, problem_type, min(fine, HOLDOUT), seed + 1)
    held: NDArray[np.bool_] = part < max(round(fraction * (int(part.max()) + 1)), 1)
    if problem_type.is_classification:
        inside = np.bincount(target[~held].astype(np.int64), minlength=int(target.max()) + 1)
        for label in np.flatnonzero(inside < LEAST_INSIDE):
            held[np.flatnonzero(held & (target == label))[: LEAST_INSIDE - inside[label]]] = False
    return held


def assign_folds(target: NDArray[np.float64], problem_type: ProblemType, folds: int, seed: int) -> NDArray[np.uint8]:
    """Return each row's fold, shuffled and spread evenly over classes, or over the target's quantiles.

    Args:
        target: class numbers or amounts, (n,).
        problem_type: which of the two.
        folds: how many.
        seed: the same seed gives the same folds.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(target))
    # Sorting the shuffled rows by answer and dealing them out gives every fold its share of every answer.
    dealt = shuffled[np.argsort(target[shuffled], kind="stable")]
    result = np.empty(len(target), dtype=np.uint8)
    if problem_type.is_classification:
        result[dealt] = np.arange(len(target)) % folds
        return result
    for start in range(0, len(dealt), folds):
        block = dealt[start : start + folds]
        result[block] = random.permutation(folds)[: len(block)]
    return result
