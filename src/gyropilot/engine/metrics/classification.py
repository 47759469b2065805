"""Metrics of classes. Answers are class numbers (n,), predictions are probabilities (n, classes).

In a binary problem class 1 is the positive one. A rate without cases counts as 0. All agree with scikit-learn's
functions of the same names.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SMALLEST = 1e-15


def accuracy(target: Numbers, probabilities: Numbers) -> float:
    """Share of rows whose most probable class is the right one."""
    return float(np.mean(_labels(probabilities) == target))


def balanced_accuracy(target: Numbers, probabilities: Numbers) -> float:
    """Mean recall over the classes that occur."""
    hits, _, actual = _counts(target, probabilities)
    occurring = actual > 0
    return float(np.mean(hits[occurring] / actual[occurring]))


def auc(target: Numbers, probabilities: Numbers) -> float:
    """Area under the ROC curve: how often a positive row is ranked above a negative one; ties count half."""
    scores = probabilities[:, 1]
    positive = target == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mean_ranks[inverse][positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def precision(target: Numbers, probabilities: Numbers) -> float:
    """Share of rows called positive that are."""
    hits, called, _ = _counts(target, probabilities)
    return _rate(hits, called)[1]


def recall(target: Numbers, probabilities: Numbers) -> float:
    """Share of positive rows that are called so."""
    hits, _, actual = _counts(target, probabilities)
    return _rate(hits, actual)[1]


def f1(target: Numbers, probabilities: Numbers) -> float:
    """Harmonic mean of precision and recall of the positive class."""
    hits, called, actual = _counts(target, probabilities)
    return _rate(2 * hits, called + actual)[1]


def precision_macro(target: Numbers, probabilities: Numbers) -> float:
    """Mean precision over classes."""
    hits, called, actual = _counts(target, probabilities)
    return _mean_of_known(_rate(hits, called), called + actual)


def recall_macro(target: Numbers, probabilities: Numbers) -> float:
    """Mean recall over classes."""
    hits, called, actual = _counts(target, probabilities)
    return _mean_of_known(_rate(hits, actual), called + actual)


def f1_macro(target: Numbers, probabilities: Numbers) -> float:
    """Mean F1 over classes."""
    hits, called, actual = _counts(target, probabilities)
    return _mean_of_known(_rate(2 * hits, called + actual), called + actual)


def log_loss(target: Numbers, probabilities: Numbers) -> float:
    """Mean negative logarithm of the probability that the right class was given."""
    given = probabilities[np.arange(len(target)), target.astype(np.int64)]
    return float(-np.mean(np.log(np.clip(given, SMALLEST, 1))))


def _labels(probabilities: Numbers) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = np.argmax(probabilities, axis=1)
    return labels


def _counts(target: Numbers, probabilities: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return, for each class, how many rows are rightly called so, are called so, and are so."""
    classes = probabilities.shape[1]
    labels = _labels(probabilities)
    answers = target.astype(np.int64)
    hits = np.bincount(answers[labels == answers], minlength=classes)
    return (
        hits.astype(np.float64),
        np.bincount(labels, minlength=classes).astype(np.float64),
        np.bincount(answers, minlength=classes).astype(np.float64),
    )


def _rate(part: Numbers, whole: Numbers) -> list[float]:
    rates: list[float] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0).tolist()
    return rates


def _mean_of_known(rates: list[float], occurrences: Numbers) -> float:
    """Average over classes that occur in answers or predictions, as scikit-learn does."""
    return float(np.mean(np.array(rates)[occurrences > 0]))
