"""Learns and predicts: tables in, models out. Knows no AWS, HTTP, SQL or cluster.

`fit` trains within a budget, `run` does the same as a stream of events, `recommend` says what tuning would try, `load`
opens a trained model;
`GyropilotClassifier` and `GyropilotRegressor` are the same for scikit-learn. Names are imported when they are first
used: a program that only predicts never imports the training libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gyropilot.engine.budget import Budget
    from gyropilot.engine.bundle.load import Predictor
    from gyropilot.engine.data.source import Files
    from gyropilot.engine.estimators import GyropilotClassifier, GyropilotRegressor
    from gyropilot.engine.model import Model, load
    from gyropilot.engine.progress import print_progress
    from gyropilot.engine.runs import fit, recommend, run
    from gyropilot.engine.task import ColumnKind, Mode, ProblemType, Task
    from gyropilot.engine.tuning import Choice, Pipeline, Range, Trial, Tuning

__all__ = [
    "Budget",
    "Choice",
    "ColumnKind",
    "Files",
    "GyropilotClassifier",
    "GyropilotRegressor",
    "Mode",
    "Model",
    "Pipeline",
    "Predictor",
    "ProblemType",
    "Range",
    "Task",
    "Trial",
    "Tuning",
    "fit",
    "load",
    "print_progress",
    "recommend",
    "run",
]

_HOMES = {
    "Budget": "budget",
    "Choice": "tuning",
    "ColumnKind": "task",
    "Files": "data.source",
    "GyropilotClassifier": "estimators",
    "GyropilotRegressor": "estimators",
    "Mode": "task",
    "Model": "model",
    "Pipeline": "tuning",
    "Predictor": "bundle.load",
    "ProblemType": "task",
    "Range": "tuning",
    "Task": "task",
    "Trial": "tuning",
    "Tuning": "tuning",
    "fit": "runs",
    "load": "model",
    "print_progress": "progress",
    "recommend": "runs",
    "run": "runs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
