"""Learns and predicts: tables in, models out. Knows no AWS, HTTP, SQL or cluster.

`fit` trains within a budget, `run` does the same as a stream of events, `load` opens a trained model;
`GyropilotClassifier` and `GyropilotRegressor` are the same for scikit-learn. Names are imported when they are first
used: a program that only predicts never imports the training libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gyropilot.engine.budget import Budget
    from gyropilot.engine.bundle.load import Predictor
    from gyropilot.engine.estimators import GyropilotClassifier, GyropilotRegressor
    from gyropilot.engine.model import Model, load
    from gyropilot.engine.progress import print_progress
    from gyropilot.engine.runs import fit, run
    from gyropilot.engine.task import ColumnKind, ProblemType, Task

__all__ = [
    "Budget",
    "ColumnKind",
    "GyropilotClassifier",
    "GyropilotRegressor",
    "Model",
    "Predictor",
    "ProblemType",
    "Task",
    "fit",
    "load",
    "print_progress",
    "run",
]

_HOMES = {
    "Budget": "budget",
    "ColumnKind": "task",
    "GyropilotClassifier": "estimators",
    "GyropilotRegressor": "estimators",
    "Model": "model",
    "Predictor": "bundle.load",
    "ProblemType": "task",
    "Task": "task",
    "fit": "runs",
    "load": "model",
    "print_progress": "progress",
    "run": "runs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
