"""The figures of a model's quality, all at once and for any weights of the rows.

Names are those of SageMaker Model Monitor's statistics of model quality. Everything but the areas under curves follows
from the table of actual and predicted labels, so that resampling costs little.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from gyropilot.engine.metrics.classification import log_loss
from gyropilot.engine.metrics.regression import mae, mse, r2
from gyropilot.engine.quality.evidence import Evidence, Numbers
from gyropilot.engine.task import ProblemType

Figures = dict[str, float]
CONSTANT = "_best_constant_classifier"
"""What ends the names of figures of the model that always predicts the most frequent class."""
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}


class Measure(Protocol):
    """Computes every figure of one problem type."""

    def __call__(self, times: Numbers) -> Figures:
        """Return the figures when each row (n,) is there so often."""
        ...


def open_measure(evidence: Evidence) -> Measure:
    """Return what measures the quality of predictions."""
    measures: dict[ProblemType, type[_Binary | _Multiclass | _Regression]] = {
        ProblemType.BINARY: _Binary,
        ProblemType.MULTICLASS: _Multiclass,
        ProblemType.REGRESSION: _Regression,
    }
    return measures[evidence.problem_type](evidence)


def count_labels(evidence: Evidence, weights: Numbers) -> Numbers:
    """Return the confusion matrix (classes, classes): the weight of rows of each actual class by the predicted one."""
    classes = len(evidence.classes)
    cell = evidence.target.astype(np.int64) * classes + evidence.decided
    return np.bincount(cell, weights=weights, minlength=classes**2).reshape(classes, classes).astype(np.float64)


class _Binary:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._order = np.argsort(-evidence.scores, kind="stable")
        ranked = evidence.scores[self._order]
        self._last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        """Where groups of equal scores end."""
        self._is_positive = evidence.target[self._order] == 1

    def __call__(self, times: Numbers) -> Figures:
        evidence = self._evidence
        weights = evidence.weights * times
        (tn, fp), (fn, tp) = count_labels(evidence, weights)[:2, :2]
        positive, negative = tp + fn, tn + fp
        total = positive + negative
        auc, au_prc = self._areas(weights)
        return {
            **_of_positive(tp, fp, fn),
            "accuracy": _rate(tp + tn, total),
            "balanced_accuracy": _balance(evidence, times),
            "true_positive_rate": _rate(tp, positive),
            "true_negative_rate": _rate(tn, negative),
            "false_positive_rate": _rate(fp, negative),
            "false_negative_rate": _rate(fn, positive),
            "auc": auc,
            "au_prc": au_prc,
            "log_loss": log_loss(evidence.target, evidence.predictions, weights),
            **_add_suffix(_of_constant_binary(positive, negative)),
        }

    def _areas(self, weights: Numbers) -> tuple[float, float]:
        """Return the area under the ROC curve, and the average precision."""
        ranked = weights[self._order]
        true = np.cumsum(ranked * self._is_positive)[self._last]
        false = np.cumsum(ranked * ~self._is_positive)[self._last]
        if not true[-1] or not false[-1]:
            return float("nan"), float("nan")
        recall = true / true[-1]
        precision = np.divide(true, true + false, out=np.ones_like(true), where=true + false > 0)
        roc = float(np.trapezoid(np.append(0, recall), np.append(0, false / false[-1])))
        return roc, float((np.diff(recall, prepend=0) * precision).sum())


class _Multiclass:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def __call__(self, times: Numbers) -> Figures:
        evidence = self._evidence
        weights = evidence.weights * times
        confusion = count_labels(evidence, weights)
        constant = np.zeros_like(confusion)
        constant[:, confusion.sum(axis=1).argmax()] = confusion.sum(axis=1)
        figures = _of_labels(confusion)
        return {
            **figures,
            "balanced_accuracy": _balance(evidence, times),
            "log_loss": log_loss(evidence.target, evidence.predictions, weights),
            **_add_suffix(_of_labels(constant)),
        }


class _Regression:
    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def __call__(self, times: Numbers) -> Figures:
        evidence = self._evidence
        given = evidence.target, evidence.predictions, evidence.weights * times
        square = mse(*given)
        return {"mae": mae(*given), "mse": square, "rmse": float(np.sqrt(square)), "r2": r2(*given)}


def _balance(evidence: Evidence, times: Numbers) -> float:
    """Return the mean recall of the classes that occur: rows count alike for it, as SageMaker Autopilot has it."""
    confusion = count_labels(evidence, times)
    actual = confusion.sum(axis=1)
    return float((np.diag(confusion)[actual > 0] / actual[actual > 0]).mean())


def _of_positive(tp: float, fp: float, fn: float) -> dict[str, float]:
    return {
        "recall": _rate(tp, tp + fn),
        "precision": _rate(tp, tp + fp),
        **{name: _rate((1 + beta**2) * tp, (1 + beta**2) * tp + beta**2 * fn + fp) for name, beta in BETAS.items()},
    }


def _of_constant_binary(positive: float, negative: float) -> dict[str, float]:
    says_yes = positive > negative
    figures = _of_positive(positive if says_yes else 0, negative if says_yes else 0, 0 if says_yes else positive)
    return {**figures, "accuracy": _rate(max(positive, negative), positive + negative)}


def _of_labels(confusion: Numbers) -> dict[str, float]:
    """Return the accuracy, and means over classes by how frequent they are."""
    hits, actual, called = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = actual / actual.sum()
    figures = {
        "recall": _rates(hits, actual),
        "precision": _rates(hits, called),
        **{name: _rates((1 + beta**2) * hits, beta**2 * actual + called) for name, beta in BETAS.items()},
    }
    means = {f"weighted_{name}": float((shares * rates).sum()) for name, rates in figures.items()}
    return {"accuracy": float(hits.sum() / actual.sum()), **means}


def _add_suffix(figures: Figures) -> dict[str, float]:
    return {f"{name}{CONSTANT}": value for name, value in figures.items()}


def _rate(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0


def _rates(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
