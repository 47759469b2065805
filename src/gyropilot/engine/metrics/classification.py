"""Metrics of classes. Answers are class numbers (n,), predictions are probabilities (n, classes), weights are (n,).

In a binary problem class 1 is the positive one. A rate without cases counts as 0. All agree with scikit-learn's
functions of the same names. Metrics of labels judge the most probable class: a decision rule is applied to the
probabilities before (`metrics/decisions.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SMALLEST = 1e-15


def accuracy(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Share of rows whose most probable class is the right one."""
    return float(np.average(find_labels(probabilities) == target, weights=weights))


def balanced_accuracy(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Mean recall over the classes that occur."""
    hits, _, actual = _counts(target, probabilities, weights)
    occurring = actual > 0
    return float(np.mean(hits[occurring] / actual[occurring]))


def auc(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Area under the ROC curve: how often a positive row is ranked above a negative one; ties count half."""
    _, group = np.unique(probabilities[:, 1], return_inverse=True)
    positive = np.bincount(group, weights=weights * (target == 1))
    negative = np.bincount(group, weights=weights * (target != 1))
    pairs = positive.sum() * negative.sum()
    if not pairs:
        return float("nan")
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs)


def precision(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Share of rows called positive that are."""
    hits, called, _ = _counts(target, probabilities, weights)
    return _rate(hits, called)[1]


def recall(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Share of positive rows that are called so."""
    hits, _, actual = _counts(target, probabilities, weights)
    return _rate(hits, actual)[1]


def f1(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Harmonic mean of precision and recall of the positive class."""
    hits, called, actual = _counts(target, probabilities, weights)
    return _rate(2 * hits, called + actual)[1]


def precision_macro(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Mean precision over classes."""
    hits, called, actual = _counts(target, probabilities, weights)
    return _mean_of_known(_rate(hits, called), called + actual)


def recall_macro(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Mean recall over classes."""
    hits, called, actual = _counts(target, probabilities, weights)
    return _mean_of_known(_rate(hits, actual), called + actual)


def f1_macro(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Mean F1 over classes."""
    hits, called, actual = _counts(target, probabilities, weights)
    return _mean_of_known(_rate(2 * hits, called + actual), called + actual)


def log_loss(target: Numbers, probabilities: Numbers, weights: Numbers) -> float:
    """Mean negative logarithm of the probability that the right class was given."""
    given = probabilities[np.arange(len(target)), target.astype(np.int64)]
    return float(-np.average(np.log(np.clip(given, SMALLEST, 1)), weights=weights))


def find_labels(probabilities: Numbers) -> NDArray[np.int64]:
    """Return each row's most probable class (n,)."""
    labels: NDArray[np.int64] = np.argmax(probabilities, axis=1)
    return labels


def _counts(target: Numbers, probabilities: Numbers, weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return, for each class, the weight of rows that are rightly called so, are called so, and are so."""
    classes = probabilities.shape[1]
    labels = find_labels(probabilities)
    answers = target.astype(np.int64)
    right = labels == answers
    hits = np.bincount(answers[right], weights=weights[right], minlength=classes).astype(np.float64)
    called = np.bincount(labels, weights=weights, minlength=classes).astype(np.float64)
    actual = np.bincount(answers, weights=weights, minlength=classes).astype(np.float64)
    return hits, called, actual


def _rate(part: Numbers, whole: Numbers) -> list[float]:
    rates: list[float] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0).tolist()
    return rates


def _mean_of_known(rates: list[float], occurrences: Numbers) -> float:
    """Average over classes that occur in answers or predictions, as scikit-learn does."""
    return float(np.mean(np.array(rates)[occurrences > 0]))
