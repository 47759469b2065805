"""Problem types and objectives as they are typed, and as AWS wants them: both or neither."""

from __future__ import annotations

from collections.abc import Mapping

import click

PROBLEM_TYPES: Mapping[str, str] = {
    "binary": "BinaryClassification",
    "multiclass": "MulticlassClassification",
    "regression": "Regression",
}
DEFAULT_OBJECTIVES: Mapping[str, str] = {"binary": "F1", "multiclass": "Accuracy", "regression": "MSE"}
OBJECTIVES: Mapping[str, tuple[str, ...]] = {
    "binary": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "multiclass": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    "regression": ("MAE", "MSE", "R2", "RMSE"),
}
ALL_OBJECTIVES = tuple(dict.fromkeys(name for names in OBJECTIVES.values() for name in names))


def complete_goal(problem_type: str, objective: str) -> dict[str, object]:
    """Return the members of a create request that say what is to be learned.

    Args:
        problem_type: one of `PROBLEM_TYPES`; empty: follows from the objective, or from the data.
        objective: one of `ALL_OBJECTIVES`; empty: the problem type's default.

    Raises:
        click.UsageError: when they do not go together, or the objective alone does not tell the problem type.
    """
    if not problem_type and not objective:
        return {}
    if not problem_type:
        fitting = [name for name, objectives in OBJECTIVES.items() if objective in objectives]
        if len(fitting) > 1:
            raise click.UsageError(f"--metric {objective} also needs --problem-type: {' or '.join(fitting)}.")
        problem_type = fitting[0]
    objective = objective or DEFAULT_OBJECTIVES[problem_type]
    if objective not in OBJECTIVES[problem_type]:
        choices = ", ".join(OBJECTIVES[problem_type])
        raise click.UsageError(f"--metric {objective} does not fit --problem-type {problem_type}: use {choices}.")
    return {"ProblemType": PROBLEM_TYPES[problem_type], "AutoMLJobObjective": {"MetricName": objective}}
