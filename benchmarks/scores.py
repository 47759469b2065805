"""The error of predictions, the less the better: 1 - AUC, log loss, RMSE. One implementation judges all systems."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

METRICS = {"binary": "1 - AUC", "multiclass": "log loss", "regression": "RMSE"}
SMALLEST_PROBABILITY = 1e-7
"""What a probability of nothing is taken for, so that one row cannot decide everything."""

Numbers = NDArray[np.float64]


def measure_error(
    problem: str,
    answers: Sequence[str] | Numbers,
    predictions: Numbers,
    classes: Sequence[str],
    weights: Numbers | None = None,
) -> float:
    """Return the error of predictions, rows weighted if asked for.

    Args:
        problem: `binary`, `multiclass` or `regression`.
        answers: the true labels as text, or amounts.
        predictions: (n, classes) probabilities or (n,) amounts.
        classes: the labels of the probabilities' columns.
        weights: (n,) what each row counts; None: all alike.

    Raises:
        ValueError: when predictions are not numbers, or of another shape than the answers.
    """
    expected = (len(answers), len(classes)) if classes else (len(answers),)
    if predictions.shape != expected or not np.isfinite(predictions).all():
        raise ValueError(f"predictions must be {expected} finite numbers, not {predictions.shape}")
    if problem == "regression":
        squares = (np.asarray(answers, dtype=np.float64) - predictions) ** 2
        return float(np.sqrt(np.average(squares, weights=weights)))
    if problem == "binary":
        positive = max(classes)
        truth = np.asarray(answers) == positive
        return 1.0 - float(roc_auc_score(truth, predictions[:, classes.index(positive)], sample_weight=weights))
    return measure_log_loss(answers, predictions, classes, weights)


def measure_log_loss(
    answers: Sequence[str] | Numbers, predictions: Numbers, classes: Sequence[str], weights: Numbers | None = None
) -> float:
    """Return the mean of -log of the true class's probability; a class that is not predicted has the smallest."""
    clipped = np.clip(predictions, SMALLEST_PROBABILITY, 1.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    columns = {label: index for index, label in enumerate(classes)}
    chosen = np.array(
        [
            clipped[row, columns[str(answer)]] if str(answer) in columns else SMALLEST_PROBABILITY
            for row, answer in enumerate(answers)
        ]
    )
    return float(np.average(-np.log(chosen), weights=weights))
