"""Metrics: the engine's names and AWS's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gyropilot.service.records import Metric

AWS_NAMES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "auc": "AUC",
    "balanced_accuracy": "BalancedAccuracy",
    "f1": "F1",
    "f1_macro": "F1macro",
    "log_loss": "LogLoss",
    "mae": "MAE",
    "mse": "MSE",
    "precision": "Precision",
    "precision_macro": "PrecisionMacro",
    "r2": "R2",
    "recall": "Recall",
    "recall_macro": "RecallMacro",
    "rmse": "RMSE",
}
"""The engine's name to AWS's; a metric without one is not shown."""

OUR_NAMES: Mapping[str, str] = {aws: ours for ours, aws in AWS_NAMES.items()}

STANDARD_ONLY = frozenset({"LogLoss", "InferenceLatency"})
"""Names that AWS allows as `StandardMetricName` only."""


def describe_metric(metric: Metric) -> dict[str, Any] | None:
    """Return a candidate's metric, or None for one that AWS has no name for or that is not a number."""
    name = AWS_NAMES.get(metric.name)
    return None if name is None or not math.isfinite(metric.value) else _named(name, metric.value)


def describe_latency(seconds: float) -> dict[str, Any]:
    """Return the time of one prediction as a metric."""
    return _named("InferenceLatency", seconds)


def _named(name: str, value: float) -> dict[str, Any]:
    document = {"StandardMetricName": name, "Value": value, "Set": "Validation"}
    return document if name in STANDARD_ONLY else {"MetricName": name, **document}


def describe_objective(metric: Metric) -> dict[str, Any] | None:
    """Return the metric that ranks candidates, or None as above."""
    document = describe_metric(metric)
    if document is None or "MetricName" not in document:
        return None
    del document["Set"]
    return {"Type": "Maximize" if metric.higher_is_better else "Minimize", **document}
