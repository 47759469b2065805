"""The metrics by name, by problem type, and the default of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.metrics import classification, regression
from gyropilot.engine.task import ProblemType

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of merit."""

    function: Callable[[Numbers, Numbers], float]
    """Takes answers and predictions."""
    higher_is_better: bool
    """The direction."""
    is_smooth: bool = False
    """Whether a small change of a prediction always shows."""

    @property
    def name(self) -> str:
        """The function's name is the metric's."""
        return self.function.__name__

    def loss(self, target: Numbers, predictions: Numbers) -> float:
        """Return the figure turned so that less is better."""
        value = self.function(target, predictions)
        return -value if self.higher_is_better else value


def _rising(function: Callable[[Numbers, Numbers], float]) -> Metric:
    return Metric(function=function, higher_is_better=True)


ACCURACY = _rising(classification.accuracy)
BALANCED_ACCURACY = _rising(classification.balanced_accuracy)
LOG_LOSS = Metric(function=classification.log_loss, higher_is_better=False, is_smooth=True)
F1 = _rising(classification.f1)
MSE = Metric(function=regression.mse, higher_is_better=False, is_smooth=True)

METRICS: dict[ProblemType, tuple[Metric, ...]] = {
    ProblemType.BINARY: (
        F1,
        ACCURACY,
        _rising(classification.auc),
        BALANCED_ACCURACY,
        _rising(classification.precision),
        _rising(classification.recall),
        LOG_LOSS,
    ),
    ProblemType.MULTICLASS: (
        ACCURACY,
        BALANCED_ACCURACY,
        _rising(classification.f1_macro),
        _rising(classification.precision_macro),
        _rising(classification.recall_macro),
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
