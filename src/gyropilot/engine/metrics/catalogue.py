"""The metrics by name, by problem type, and the default of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.metrics import classification, regression
from gyropilot.engine.task import ProblemType

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of merit."""

    function: Callable[[Numbers, Numbers, Numbers], float]
    """Takes answers, predictions and the rows' weights."""
    higher_is_better: bool
    """The direction."""
    is_smooth: bool = False
    """Whether a small change of a prediction always shows."""
    judges_labels: bool = False
    """Whether it looks at the class that is decided for, rather than at probabilities."""
    ignores_weights: bool = False
    """Whether all rows count alike, as SageMaker Autopilot has it for this metric."""
    tunes_decisions: bool = False
    """Whether another decision than for the most probable class can be better for it."""

    @property
    def name(self) -> str:
        """The function's name is the metric's."""
        return self.function.__name__

    def measure(self, target: Numbers, predictions: Numbers, weights: Numbers) -> float:
        """Return the figure."""
        return self.function(target, predictions, np.ones_like(weights) if self.ignores_weights else weights)

    def loss(self, target: Numbers, predictions: Numbers, weights: Numbers) -> float:
        """Return the figure turned so that less is better."""
        value = self.measure(target, predictions, weights)
        return -value if self.higher_is_better else value


def _of_labels(function: Callable[[Numbers, Numbers, Numbers], float], *, tunes_decisions: bool = False) -> Metric:
    return Metric(function=function, higher_is_better=True, judges_labels=True, tunes_decisions=tunes_decisions)


ACCURACY = _of_labels(classification.accuracy)
BALANCED_ACCURACY = replace(_of_labels(classification.balanced_accuracy, tunes_decisions=True), ignores_weights=True)
AUC = Metric(function=classification.auc, higher_is_better=True)
LOG_LOSS = Metric(function=classification.log_loss, higher_is_better=False, is_smooth=True)
MSE = Metric(function=regression.mse, higher_is_better=False, is_smooth=True)

METRICS: dict[ProblemType, tuple[Metric, ...]] = {
    ProblemType.BINARY: (
        _of_labels(classification.f1, tunes_decisions=True),
        ACCURACY,
        AUC,
        BALANCED_ACCURACY,
        _of_labels(classification.precision),
        _of_labels(classification.recall),
        LOG_LOSS,
    ),
    ProblemType.MULTICLASS: (
        ACCURACY,
        BALANCED_ACCURACY,
        _of_labels(classification.f1_macro, tunes_decisions=True),
        _of_labels(classification.precision_macro),
        _of_labels(classification.recall_macro, tunes_decisions=True),
        LOG_LOSS,
    ),
    ProblemType.REGRESSION: (
        MSE,
        Metric(function=regression.rmse, higher_is_better=False, is_smooth=True),
        Metric(function=regression.mae, higher_is_better=False, is_smooth=True),
        Metric(function=regression.r2, higher_is_better=True, is_smooth=True),
    ),
}
"""The metrics of each problem type; the first is the default objective, as in SageMaker Autopilot."""


def find_metric(problem_type: ProblemType, name: str) -> Metric:
    """Return a metric of the problem type, or its default for an empty name.

    Raises:
        TaskError: when the problem type has no metric of the name.
    """
    metrics = METRICS[problem_type]
    if not name:
        return metrics[0]
    for metric in metrics:
        if metric.name == name:
            return metric
    known = ", ".join(metric.name for metric in metrics)
    raise TaskError(f"The objective {name!r} does not fit a {problem_type.value} problem; it has {known}.")


def surrogate(problem_type: ProblemType) -> Metric:
    """Return the smooth metric that training minimises."""
    return LOG_LOSS if problem_type.is_classification else MSE


def stand_ins(problem_type: ProblemType, objective: Metric) -> list[Metric]:
    """Return the metrics by which candidates are combined for an objective.

    A metric of labels jumps with single rows; log loss and the ranking of rows say more of the same, with less noise.
    """
    if objective.is_smooth:
        return [objective]
    if problem_type is ProblemType.BINARY:
        return [AUC, LOG_LOSS]
    return [LOG_LOSS, objective] if objective is ACCURACY else [LOG_LOSS]
