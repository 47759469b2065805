"""Our metrics agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.metrics.catalogue import METRICS, find_metric
from gyropilot.engine.metrics.decisions import decide, tune_decision
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


def expected(name: str, target: NDArray[np.float64], given: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    labels = given.argmax(axis=1) if given.ndim == 2 else given
    macro = {"average": "macro", "zero_division": 0, "sample_weight": weights}
    match name:
        case "accuracy":
            value = reference.accuracy_score(target, labels, sample_weight=weights)
        case "balanced_accuracy":
            value = reference.recall_score(target, labels, labels=np.unique(target), average="macro", zero_division=0)
        case "auc":
            value = reference.roc_auc_score(target, given[:, 1], sample_weight=weights)
        case "f1" | "precision" | "recall":
            value = getattr(reference, f"{name}_score")(target, labels, zero_division=0, sample_weight=weights)
        case "f1_macro" | "precision_macro" | "recall_macro":
            value = getattr(reference, f"{name.removesuffix('_macro')}_score")(target, labels, **macro)
        case "log_loss":
            value = -np.average(
                np.log(np.clip(given[np.arange(len(target)), target.astype(int)], 1e-15, 1)), weights=weights
            )
        case "mse":
            value = reference.mean_squared_error(target, given, sample_weight=weights)
        case "rmse":
            value = reference.root_mean_squared_error(target, given, sample_weight=weights)
        case "mae":
            value = reference.mean_absolute_error(target, given, sample_weight=weights)
        case "r2":
            value = reference.r2_score(target, given, sample_weight=weights)
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
            for weights in (np.ones(len(target)), random.exponential(size=len(target))):
                value = expected(metric.name, target, given, weights)
                assert metric.measure(target, given, weights) == pytest.approx(value), metric.name


def test_first_metric_is_the_default() -> None:
    assert [find_metric(problem, "").name for problem in ProblemType] == ["f1", "accuracy", "mse"]


def test_metric_of_another_problem_is_told() -> None:
    with pytest.raises(TaskError, match="The objective 'rmse' does not fit a binary problem; it has f1, accuracy"):
        find_metric(ProblemType.BINARY, "rmse")


def test_tuned_threshold_is_better_and_found_without_luck() -> None:
    random = np.random.default_rng(5)
    target = (random.random(4000) < 0.08).astype(float)
    positive = 1 / (1 + np.exp(-(random.normal(size=4000) + 1.5 * target - 3)))
    probabilities = np.stack([1 - positive, positive], axis=1)
    metric, ones = find_metric(ProblemType.BINARY, "f1"), np.ones(2000)
    factors = tune_decision(metric, target[:2000], probabilities[:2000], ones, seed=0)
    assert factors[0] < 1
    assert factors[1] == pytest.approx(1)
    plain = metric.function(target[2000:], probabilities[2000:], ones)
    tuned = metric.function(target[2000:], decide(probabilities[2000:], factors), ones)
    assert tuned > plain + 0.1


def test_tuned_factors_help_rare_classes() -> None:
    random = np.random.default_rng(6)
    target = random.choice(3, p=[0.9, 0.07, 0.03], size=4000).astype(float)
    scores = random.normal(size=(4000, 3)) + np.array([2.5, 0, -0.5])
    scores[np.arange(4000), target.astype(int)] += 1.5
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    metric, ones = find_metric(ProblemType.MULTICLASS, "balanced_accuracy"), np.ones(2000)
    factors = tune_decision(metric, target[:2000], probabilities[:2000], ones, seed=0)
    plain = metric.function(target[2000:], probabilities[2000:], ones)
    assert metric.function(target[2000:], decide(probabilities[2000:], factors), ones) > plain + 0.1


@pytest.mark.parametrize("name", ["accuracy", "auc", "log_loss", "precision", "recall"])
def test_indifferent_metrics_keep_the_most_probable_class(name: str) -> None:
    random = np.random.default_rng(7)
    probabilities = random.dirichlet([1, 1], size=200)
    target = random.integers(0, 2, 200).astype(float)
    factors = tune_decision(find_metric(ProblemType.BINARY, name), target, probabilities, np.ones(200), seed=0)
    assert factors.tolist() == [1, 1]


def test_few_rows_tune_nothing() -> None:
    probabilities, target = np.tile([0.9, 0.1], (20, 1)), np.ones(20)
    assert tune_decision(find_metric(ProblemType.BINARY, "f1"), target, probabilities, target, seed=0).tolist() == [
        1,
        1,
    ]
