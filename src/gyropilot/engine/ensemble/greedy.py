"""Bagged greedy ensemble with replacement (Caruana et al., ICML 2004), and its honest score by leaving folds out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.metrics.catalogue import Metric

Numbers = NDArray[np.float64]

BAGS = 15
"""At least so many bags; each leaves one fold out."""
STEPS = 20
VAIN_STEPS = 4
MAX_ROWS = 20_000
BAG_ROWS, BAG_SHARE = 5000, 0.8
"""A bag looks at this share of the rows outside its fold, and at no more than so many."""
MODEL_SHARE, MAX_MODELS = 0.7, 16
"""A bag chooses among this share of the candidates, of which only so many, the best, come into question."""
EQUAL_MEMBERS = (3, 6, 12)
"""What the bags choose competes with the mean of so many best candidates, and with what lies half way."""
LEAST_WEIGHT = 0.02
"""What weighs less is left out: it costs time with every prediction."""


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
    costs: Sequence[tuple[float, ...]] = (),
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
        costs: for each candidate, what it takes of each means, 1 being what an ensemble of several may take; those of
            least weight make room. Nothing: none costs anything.
        seconds: how long it may take; in haste it makes fewer bags.
        seed: which rows and candidates the bags see.
    """
    stacked = np.stack(predictions)
    random = np.random.default_rng(seed)
    sample = _sample(np.flatnonzero(folds != HOLDOUT), random)
    numbers = np.unique(folds[sample])
    bags: dict[int, list[Numbers]] = {int(fold): [] for fold in numbers}
    rounds = -(-BAGS // len(numbers))
    end = time.monotonic() + seconds
    for fold in np.tile(numbers, rounds).tolist():
        if bags[fold] and time.monotonic() > end:
            break  # in haste one bag for each fold has to do
        others = sample[folds[sample] != fold]
        size = min(max(int(BAG_SHARE * len(others)), 1), BAG_ROWS)
        rows = np.sort(random.choice(others, size, replace=False)) if len(others) else sample
        judge = _Judge(target[rows], row_weights[rows], losses)
        bags[fold].append(_bag_weights(stacked[:, rows], judge, random))
    means = [
        _average_best(count, stacked, target, row_weights, folds, sample, losses)
        for count in sorted({min(count, len(stacked)) for count in EQUAL_MEMBERS}, reverse=True)
    ]
    bagged = _follow_bags(bags)
    purse = _Purse(costs=np.array(costs or np.zeros((len(stacked), 1))))
    rules = [purse.afford(rule) for rule in (*means, *(_mix(bagged, mean) for mean in means), bagged)]
    honest = [_predict_honestly(rule, stacked, folds) for rule in rules]
    by_fold = []
    for fold in numbers:
        rows = sample[folds[sample] == fold]
        judge = _Judge(target[rows], row_weights[rows], losses)
        judge.compare(stacked[:, rows])
        by_fold.append([judge.judge(each[rows]) for each in honest])
    chosen = _choose(np.array(by_fold).T)
    return Ensemble(weights=rules[chosen].weights, predictions=honest[chosen])


def _choose(losses: Numbers) -> int:
    """Return the first rule that is not worse than the best by more than a standard error over the folds.

    The rules stand in the order of how little they choose: what cannot be told apart is not chosen from.

    Args:
        losses: (rules, folds).
    """
    known = losses[:, np.isfinite(losses).all(axis=0)]
    if known.shape[1] < 2:
        return len(losses) - 1
    behind = known - known[known.mean(axis=1).argmin()]
    errors = behind.std(axis=1, ddof=1) / np.sqrt(known.shape[1])
    return int(np.flatnonzero(behind.mean(axis=1) <= errors)[0])


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """A way to weigh candidates."""

    weights: Numbers
    """By all rows."""
    without: dict[int, Numbers]
    """For each fold, by the rows outside it."""


@dataclass(frozen=True, kw_only=True)
class _Purse:
    """What candidates cost."""

    costs: Numbers
    """(candidates, means) shares of what an ensemble may take."""

    def afford(self, rule: _Rule) -> _Rule:
        """Return the rule without what is too dear."""
        without = {fold: self._reduce(weights) for fold, weights in rule.without.items()}
        return _Rule(weights=self._reduce(rule.weights), without=without)

    def _reduce(self, weights: Numbers) -> Numbers:
        """Keep, from the heaviest down, what can be paid for; the heaviest in any case."""
        spent, kept = np.zeros(self.costs.shape[1]), np.zeros_like(weights)
        for number in np.argsort(-weights, kind="stable").tolist():
            if not kept.any() or (spent + self.costs[number] <= 1).all():
                spent, kept[number] = spent + self.costs[number], weights[number]
        reduced: Numbers = kept / kept.sum()
        return reduced


def _follow_bags(bags: dict[int, list[Numbers]]) -> _Rule:
    return _Rule(
        weights=_mean_weights([each for several in bags.values() for each in several]),
        without={fold: _mean_weights(several) for fold, several in bags.items()},
    )


def _average_best(
    count: int,
    stacked: Numbers,
    target: Numbers,
    row_weights: Numbers,
    folds: NDArray[np.uint8],
    sample: NDArray[np.int64],
    losses: Sequence[Metric],
) -> _Rule:
    """Weigh the best candidates alike: where folds disagree, choosing weights is choosing noise."""

    def weigh(rows: NDArray[np.int64]) -> Numbers:
        judge = _Judge(target[rows], row_weights[rows], losses)
        judge.compare(stacked[:, rows])
        ranked = np.argsort([judge.judge(each) for each in stacked[:, rows]], kind="stable")
        weights = np.zeros(len(stacked))
        weights[ranked[:count]] = 1 / count
        return weights

    numbers = np.unique(folds[sample]).tolist()
    return _Rule(weights=weigh(sample), without={fold: weigh(sample[folds[sample] != fold]) for fold in numbers})


def _mix(one: _Rule, other: _Rule) -> _Rule:
    return _Rule(
        weights=_mean_weights([one.weights, other.weights]),
        without={fold: _mean_weights([weights, other.without[fold]]) for fold, weights in one.without.items()},
    )


def _predict_honestly(rule: _Rule, stacked: Numbers, folds: NDArray[np.uint8]) -> Numbers:
    """Return predictions of all rows, those of each fold with weights that its rows had no say in."""
    honest = _combine(rule.weights, stacked)
    for fold, weights in rule.without.items():
        honest[folds == fold] = _combine(weights, stacked[:, folds == fold])
    return honest


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


def _bag_weights(stacked: Numbers, judge: _Judge, random: np.random.Generator) -> Numbers:
    """Return the weights that a bag's rows choose among a part of the candidates; the best one is always there."""
    judge.compare(stacked)
    ranked = np.argsort([judge.judge(each) for each in stacked], kind="stable")[:MAX_MODELS]
    others = ranked[1:]
    drawn = random.choice(others, int(np.ceil(MODEL_SHARE * len(others))), replace=False)
    chosen = np.array([ranked[0], *sorted(drawn)], dtype=np.int64)
    weights = np.zeros(len(stacked))
    weights[chosen] = _greedy_weights(stacked[chosen], judge)
    return weights


def _greedy_weights(stacked: Numbers, judge: _Judge) -> Numbers:
    """Add, again and again, the candidate that helps most; keep the best prefix."""
    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best_loss, best_counts, vain = np.inf, counts, 0
    for step in range(1, STEPS + 1):
        trials = [judge.judge((total + each) / step) for each in stacked]
        chosen = int(np.argmin(trials))
        total = total + stacked[chosen]
        counts = counts.copy()
        counts[chosen] += 1
        vain += 1
        if trials[chosen] < best_loss - 1e-12:
            best_loss, best_counts, vain = trials[chosen], counts, 0
        if vain >= VAIN_STEPS:
            break
    weights: Numbers = best_counts / max(best_counts.sum(), 1)
    return weights


def _mean_weights(bags: Sequence[Numbers]) -> Numbers:
    mean = np.mean(bags, axis=0)
    kept = np.where(mean >= min(LEAST_WEIGHT, mean.max()), mean, 0)
    weights: Numbers = kept / kept.sum()
    return weights


def _combine(weights: Numbers, stacked: Numbers) -> Numbers:
    combined: Numbers = np.tensordot(weights, stacked, axes=1)
    return combined


def _sample(rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    if len(rows) <= MAX_ROWS:
        return rows
    return np.sort(random.choice(rows, MAX_ROWS, replace=False))
