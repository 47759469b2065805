"""Greedy weighted ensemble with replacement (Caruana et al., ICML 2004), and its honest score by cross-fitting."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.metrics.catalogue import Metric, surrogate
from gyropilot.engine.task import ProblemType

Numbers = NDArray[np.float64]

STEPS = 25
MAX_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Weights of candidates, and what they predict for rows that had no say in them."""

    weights: Numbers
    """(candidates,) at least 0, sum 1."""
    predictions: Numbers
    """Predictions of all rows: those of each fold with weights learned from the other folds."""


def fit_ensemble(
    predictions: Sequence[Numbers],
    target: Numbers,
    folds: NDArray[np.uint8],
    objective: Metric,
    problem_type: ProblemType,
    *,
    seconds: float = float("inf"),
    seed: int = 0,
) -> Ensemble:
    """Return weights learned from out-of-fold predictions.

    Args:
        predictions: for each candidate, (n, classes) probabilities or (n,) amounts, of rows it was not trained on.
        target: (n,) answers.
        folds: (n,) the fold of each row.
        objective: what ranks candidates; where it is not smooth, log loss decides with it in equal parts.
        problem_type: the kind of answer.
        seconds: how long it may take; in haste it takes fewer steps.
        seed: which rows of a long table are looked at.
    """
    stacked = np.stack(predictions)
    sample = _sample(len(target), seed)
    losses = _losses(objective, problem_type)
    numbers = np.unique(folds)
    share = seconds / (len(numbers) + 1)
    weights = _greedy_weights(stacked[:, sample], target[sample], losses, share)
    honest = np.empty_like(stacked[0])
    for fold in numbers:
        inside = folds == fold
        rows = sample[folds[sample] != fold]
        honest[inside] = _combine(_greedy_weights(stacked[:, rows], target[rows], losses, share), stacked[:, inside])
    return Ensemble(weights=weights, predictions=honest)


def _greedy_weights(stacked: Numbers, target: Numbers, losses: Sequence[Metric], seconds: float) -> Numbers:
    """Add, again and again, the candidate that helps most; keep the best prefix."""
    end = time.monotonic() + seconds
    scales = _scales(stacked, target, losses)

    def loss_of(mean: Numbers) -> float:
        return sum(metric.loss(target, mean) / scale for metric, scale in zip(losses, scales, strict=True))

    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best_loss, best_counts = np.inf, counts
    for step in range(1, STEPS + 1):
        trials = [loss_of((total + each) / step) for each in stacked]
        chosen = int(np.argmin(trials))
        total = total + stacked[chosen]
        counts = counts.copy()
        counts[chosen] += 1
        if trials[chosen] < best_loss - 1e-12:
            best_loss, best_counts = trials[chosen], counts
        if time.monotonic() > end:
            break
    weights: Numbers = best_counts / best_counts.sum()
    return weights


def _combine(weights: Numbers, stacked: Numbers) -> Numbers:
    combined: Numbers = np.tensordot(weights, stacked, axes=1)
    return combined


def _losses(objective: Metric, problem_type: ProblemType) -> list[Metric]:
    if objective.is_smooth:
        return [objective]
    return [objective, surrogate(problem_type)]


def _scales(stacked: Numbers, target: Numbers, losses: Sequence[Metric]) -> list[float]:
    """Return how far the candidates lie apart in each loss, by which two losses become comparable."""
    if len(losses) == 1:
        return [1.0]
    return [float(np.ptp([metric.loss(target, each) for each in stacked])) + 1e-9 for metric in losses]


def _sample(rows: int, seed: int) -> NDArray[np.int64]:
    if rows <= MAX_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))
