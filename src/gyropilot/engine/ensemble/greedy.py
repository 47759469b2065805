"""Greedy weighted ensemble with replacement (Caruana et al., ICML 2004), and its honest score by cross-fitting."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.metrics.catalogue import Metric

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
    row_weights: Numbers,
    folds: NDArray[np.uint8],
    losses: Sequence[Metric],
    *,
    seconds: float = float("inf"),
    seed: int = 0,
) -> Ensemble:
    """Return weights learned from out-of-fold predictions.

    Args:
        predictions: for each candidate, (n, classes) probabilities or (n,) amounts, of rows it was not trained on.
        target: (n,) answers.
        row_weights: (n,) how much each row counts.
        folds: (n,) the fold of each row; rows of `HOLDOUT` have no say in any weights.
        losses: the metrics that decide, in equal parts.
        seconds: how long it may take; in haste it takes fewer steps.
        seed: which rows of a long table are looked at.
    """
    stacked = np.stack(predictions)
    sample = _sample(np.flatnonzero(folds != HOLDOUT), seed)
    numbers = np.unique(folds[folds != HOLDOUT])
    share = seconds / (len(numbers) + 1)
    weights = _greedy_weights(stacked[:, sample], _Judge(target[sample], row_weights[sample], losses), share)
    honest = _combine(weights, stacked)
    for fold in numbers:
        inside = folds == fold
        rows = sample[folds[sample] != fold]
        judge = _Judge(target[rows], row_weights[rows], losses)
        honest[inside] = _combine(_greedy_weights(stacked[:, rows], judge, share), stacked[:, inside])
    return Ensemble(weights=weights, predictions=honest)


class _Judge:
    """Says how good predictions of some rows are; less is better."""

    def __init__(self, target: Numbers, row_weights: Numbers, losses: Sequence[Metric]) -> None:
        self._target = target
        self._row_weights = row_weights
        self._losses = losses
        self._scales = [1.0] * len(losses)

    def compare(self, stacked: Numbers) -> None:
        """Take how far candidates lie apart in each loss as its unit, which makes several comparable."""
        if len(self._losses) > 1:
            self._scales = [
                float(np.ptp([metric.loss(self._target, each, self._row_weights) for each in stacked])) + 1e-9
                for metric in self._losses
            ]

    def judge(self, predictions: Numbers) -> float:
        """Return the sum of the losses in their units."""
        return sum(
            metric.loss(self._target, predictions, self._row_weights) / scale
            for metric, scale in zip(self._losses, self._scales, strict=True)
        )


def _greedy_weights(stacked: Numbers, judge: _Judge, seconds: float) -> Numbers:
    """Add, again and again, the candidate that helps most; keep the best prefix."""
    end = time.monotonic() + seconds
    judge.compare(stacked)
    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best_loss, best_counts = np.inf, counts
    for step in range(1, STEPS + 1):
        trials = [judge.judge((total + each) / step) for each in stacked]
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


def _sample(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(rows) <= MAX_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))
