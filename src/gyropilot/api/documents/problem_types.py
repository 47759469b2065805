"""Problem types: AWS's word and ours, and the objectives each allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProblemType:
    """One problem type."""

    aws: str
    """AWS's word."""
    name: str
    """Our word."""
    objectives: tuple[str, ...]
    """The objectives that AWS allows, in AWS's words."""


PROBLEM_TYPES = (
    ProblemType(aws="Regression", name="regression", objectives=("MAE", "MSE", "R2", "RMSE")),
    ProblemType(
        aws="BinaryClassification",
        name="binary",
        objectives=("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    ),
    ProblemType(
        aws="MulticlassClassification",
        name="multiclass",
        objectives=("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    ),
)

BY_AWS: Mapping[str, ProblemType] = {kind.aws: kind for kind in PROBLEM_TYPES}
BY_NAME: Mapping[str, ProblemType] = {kind.name: kind for kind in PROBLEM_TYPES}
