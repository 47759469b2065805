from __future__ import annotations

import click
import pytest

from gyropilot.api.documents.problem_types import PROBLEM_TYPES as SERVED
from gyropilot.cli.goals import DEFAULT_OBJECTIVES, OBJECTIVES, PROBLEM_TYPES, complete_goal


def test_offers_what_the_api_allows() -> None:
    assert {kind.name: kind.aws for kind in SERVED} == PROBLEM_TYPES
    assert {kind.name: kind.objectives for kind in SERVED} == OBJECTIVES
    assert all(DEFAULT_OBJECTIVES[name] in objectives for name, objectives in OBJECTIVES.items())


def test_nothing_is_left_to_the_server() -> None:
    assert complete_goal("", "") == {}


@pytest.mark.parametrize(
    ("problem_type", "objective", "aws_type", "metric"),
    [
        ("binary", "AUC", "BinaryClassification", "AUC"),
        ("multiclass", "", "MulticlassClassification", "Accuracy"),
        ("regression", "", "Regression", "MSE"),
        ("", "F1macro", "MulticlassClassification", "F1macro"),
        ("", "RMSE", "Regression", "RMSE"),
    ],
)
def test_one_of_both_is_completed(problem_type: str, objective: str, aws_type: str, metric: str) -> None:
    assert complete_goal(problem_type, objective) == {
        "ProblemType": aws_type,
        "AutoMLJobObjective": {"MetricName": metric},
    }


@pytest.mark.parametrize(
    ("problem_type", "objective", "words"),
    [
        ("", "Accuracy", "--metric Accuracy also needs --problem-type: binary or multiclass"),
        ("regression", "F1", "--metric F1 does not fit --problem-type regression: use MAE, MSE, R2, RMSE"),
    ],
)
def test_what_does_not_go_together_is_refused(problem_type: str, objective: str, words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        complete_goal(problem_type, objective)
