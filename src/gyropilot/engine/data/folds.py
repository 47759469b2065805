"""Splits rows into folds for cross-validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.task import ProblemType

SMALL, MEDIUM, LONG = 20_000, 100_000, 400_000
MOST_HASTE = 2.5e8
"""With more haste folds leave time for too few candidates; few rows that are held out would tell too little."""
LEAST_INSIDE = 2
CROSS_VALIDATED_ROWS, TUNING_FOLDS = 50_000, 5
"""On tables of up to so many rows trials of tuning are cross-validated, as SageMaker Autopilot does."""
HELD_OUT_ROWS = 100_000
"""Where rows are held out instead, no more than about so many are."""
HELD_OUT_PARTS, HELD_OUT_PARTS_OF_TUNING = 10, 5
"""One of so many parts of a table is held out; of one that is tuned on a larger part, as many trials look at it."""


def count_folds(rows: int, haste: float = 0.0) -> int:
    """Return how many folds suit a table: more when rows are few and each counts.

    Of a table that is long, or long for the time that there is, one is trained and another held out.

    Args:
        rows: that are learned from.
        haste: how little time there is for them, by `measure_haste`.
    """
    if rows > LONG or haste > MOST_HASTE:
        return 1
    if rows <= SMALL:
        return 5
    return 4 if rows <= MEDIUM else 3


def measure_haste(rows: int, columns: int, outputs: int, core_seconds: float) -> float:
    """Return the rows of a table times what a second has to do with it.

    Args:
        rows: that are learned from.
        columns: features of each.
        outputs: scores that a model gives a row, for each of which trees are grown.
        core_seconds: the time of the run, in seconds of all cores together.
    """
    return rows * (rows * columns * outputs / core_seconds)


def deal_for_ensembling(
    target: NDArray[np.float64], problem_type: ProblemType, count: int, seed: int
) -> NDArray[np.uint8]:
    """Return each row's fold.

    If one fold is trained, fold 0 is what candidates are scored on, and fold 1 what they learn from: more folds would
    tell little more of a long table, and one model of all rows takes half the time of three models of two thirds.

    Args:
        target: class numbers or amounts, (n,).
        problem_type: which of the two.
        count: how many folds are trained, by `count_folds`.
        seed: the same seed gives the same folds.
    """
    if count > 1:
        return assign_folds(target, problem_type, count, seed)
    return _hold_out_part(target, problem_type, seed, HELD_OUT_PARTS)


def deal_for_tuning(
    target: NDArray[np.float64], problem_type: ProblemType, seed: int, *, is_scored_elsewhere: bool, turn: int = 0
) -> tuple[NDArray[np.uint8], int]:
    """Return each row's fold, and how many folds are trained: five, or on long tables only one.

    Of long tables fold 0 is what trials are scored on, and fold 1 what they learn from.

    Args:
        target: class numbers or amounts, (n,).
        problem_type: which of the two.
        seed: the same seed gives the same folds.
        is_scored_elsewhere: whether there are other rows to score on; fold 0 of a long table only ends trainings then.
        turn: another turn deals other folds, of a long table others that have no row of the first in fold 0.
    """
    if len(target) <= CROSS_VALIDATED_ROWS:
        return assign_folds(target, problem_type, TUNING_FOLDS, seed + 1000 * turn), TUNING_FOLDS
    least = HELD_OUT_PARTS if is_scored_elsewhere else HELD_OUT_PARTS_OF_TUNING
    return _hold_out_part(target, problem_type, seed, least, turn), 1


def _hold_out_part(
    target: NDArray[np.float64], problem_type: ProblemType, seed: int, least_parts: int, turn: int = 0
) -> NDArray[np.uint8]:
    """Return 0 for the rows of one of so many parts, or of more of a very long table, and 1 for the others."""
    parts = min(max(least_parts, -(-len(target) // HELD_OUT_ROWS)), HOLDOUT)
    folds: NDArray[np.uint8] = (assign_folds(target, problem_type, parts, seed) != turn % parts).astype(np.uint8)
    return folds


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
