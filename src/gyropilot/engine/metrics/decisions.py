"""Which class is decided for, given probabilities: by default the most probable, for some metrics another.

A decision is a factor for each class: the class with the largest product of probability and factor wins. In a binary
problem that is a threshold on the probability of the positive class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.metrics.catalogue import Metric

Numbers = NDArray[np.float64]

FEWEST_ROWS = 50
"""With fewer rows a tuned decision follows chance."""
BAGS, BAG_SHARE = 10, 0.7
FACTOR_BAGS, FACTOR_ROWS = 4, 4000
"""Factors of many classes are searched for on fewer and smaller subsamples: each trial looks at every row."""
THRESHOLDS = np.linspace(0.02, 0.98, 97)
FACTORS = np.geomspace(0.25, 4, 17)
ROUNDS = 2
MAX_CLASSES = 30


def keep_most_probable(classes: int) -> Numbers:
    """Return the factors of deciding for the most probable class."""
    return np.ones(classes)


def decide(probabilities: Numbers, factors: Numbers) -> Numbers:
    """Return probabilities in which the class that is decided for is the most probable; rows sum to 1."""
    weighted = probabilities * factors
    total = weighted.sum(axis=1, keepdims=True)
    decided: Numbers = weighted / np.where(total > 0, total, 1)
    return decided


def tune_decision(metric: Metric, target: Numbers, probabilities: Numbers, weights: Numbers, *, seed: int) -> Numbers:
    """Return the factors that are best for a metric: the median over subsamples, so that no few rows decide.

    Metrics that another decision can improve are all better when higher.

    Args:
        metric: the objective; one that is indifferent to decisions gets the default.
        target: (n,) class numbers.
        probabilities: (n, classes) of rows that the model was not trained on.
        weights: (n,) row weights.
        seed: which rows are in the subsamples.
    """
    classes = probabilities.shape[1]
    if not metric.tunes_decisions or len(target) < FEWEST_ROWS or classes > MAX_CLASSES:
        return keep_most_probable(classes)
    random = np.random.default_rng(seed)
    row_weights = np.ones_like(weights) if metric.ignores_weights else weights
    is_binary = classes == 2
    size = max(int(BAG_SHARE * len(target)), FEWEST_ROWS)
    search = _find_threshold if is_binary else _find_factors
    found = []
    for _ in range(BAGS if is_binary else FACTOR_BAGS):
        rows = random.choice(len(target), size if is_binary else min(size, FACTOR_ROWS), replace=False)
        found.append(search(metric, target[rows], probabilities[rows], row_weights[rows]))
    factors: Numbers = np.exp(np.median(np.log(found), axis=0))
    return factors


def _find_threshold(metric: Metric, target: Numbers, probabilities: Numbers, weights: Numbers) -> Numbers:
    """Try all thresholds; rows between two of them are decided alike and stand for each other, added up."""
    group = np.searchsorted(THRESHOLDS, probabilities[:, 1], side="left")
    groups = len(THRESHOLDS) + 1
    totals = np.bincount(2 * group + target.astype(np.int64), weights=weights, minlength=2 * groups).astype(np.float64)
    answers = np.tile([0.0, 1.0], groups)
    edges = np.concatenate([[0.0], THRESHOLDS, [1.0]])
    positive = np.repeat((edges[:-1] + edges[1:]) / 2, 2)
    table = np.stack([1 - positive, positive], axis=1)
    scores = np.array([-metric.function(answers, decide(table, np.array([t, 1 - t])), totals) for t in THRESHOLDS])
    # Among thresholds that are equally good, the middle one.
    best = float(np.mean(THRESHOLDS[scores <= scores.min() + 1e-12]))
    return np.array([best, 1 - best]) / (1 - best)


def _find_factors(metric: Metric, target: Numbers, probabilities: Numbers, weights: Numbers) -> Numbers:
    factors = keep_most_probable(probabilities.shape[1])
    best = -metric.function(target, decide(probabilities, factors), weights)
    for _ in range(ROUNDS):
        for label in range(len(factors)):
            for factor in FACTORS:
                trial = factors.copy()
                trial[label] = factor
                loss = -metric.function(target, decide(probabilities, trial), weights)
                if loss < best - 1e-12:
                    best, factors = loss, trial
    return factors
