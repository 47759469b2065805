"""Our metrics agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.metrics.catalogue import METRICS, find_metric
from gyropilot.engine.task import ProblemType


def cases(classes: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    random = np.random.default_rng(0)
    made = []
    for rows in (5, 50, 500):
        probabilities = random.dirichlet(np.ones(classes), size=rows).round(2)
        made.append((random.integers(0, classes, rows).astype(float), probabilities))
    target = np.array([0.0] * 9 + [1.0])
    made.append((target, np.eye(classes)[np.zeros(10, dtype=int)] * 0.8 + 0.2 / classes))
    return made


def expected(name: str, target: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    labels = given.argmax(axis=1) if given.ndim == 2 else given
    macro = {"average": "macro", "zero_division": 0}
    match name:
        case "accuracy":
            value = reference.accuracy_score(target, labels)
        case "balanced_accuracy":
            value = reference.recall_score(target, labels, labels=np.unique(target), **macro)
        case "auc":
            value = reference.roc_auc_score(target, given[:, 1])
        case "f1" | "precision" | "recall":
            value = getattr(reference, f"{name}_score")(target, labels, zero_division=0)
        case "f1_macro" | "precision_macro" | "recall_macro":
            value = getattr(reference, f"{name.removesuffix('_macro')}_score")(target, labels, **macro)
        case "log_loss":
            value = -np.log(np.clip(given[np.arange(len(target)), target.astype(int)], 1e-15, 1)).mean()
        case "mse":
            value = reference.mean_squared_error(target, given)
        case "rmse":
            value = reference.root_mean_squared_error(target, given)
        case "mae":
            value = reference.mean_absolute_error(target, given)
        case "r2":
            value = reference.r2_score(target, given)
    return float(value)


@pytest.mark.parametrize("problem", list(ProblemType))
def test_metrics_agree_with_scikit_learn(problem: ProblemType) -> None:
    random = np.random.default_rng(1)
    if problem is ProblemType.REGRESSION:
        tables = [(random.normal(size=50), random.normal(size=50))]
    else:
        tables = cases(2 if problem is ProblemType.BINARY else 4)
    for metric in METRICS[problem]:
        for target, given in tables:
            assert metric.function(target, given) == pytest.approx(expected(metric.name, target, given)), metric.name


def test_first_metric_is_the_default() -> None:
    assert [find_metric(problem, "").name for problem in ProblemType] == ["f1", "accuracy", "mse"]


def test_metric_of_another_problem_is_told() -> None:
    with pytest.raises(TaskError, match="The objective 'rmse' does not fit a binary problem; it has f1, accuracy"):
        find_metric(ProblemType.BINARY, "rmse")
