"""FLAML with its defaults, the metric that is scored and the budget."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import flaml  # type: ignore[import-not-found,import-untyped,unused-ignore]  # of another environment
import numpy as np

from benchmarks.tabular_systems.frames import FrameSystem
from benchmarks.tabular_systems.protocol import CORES, Point, Predictions, Request, serve

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


class Flaml(FrameSystem):
    """One `AutoML` object."""

    version = f"flaml {flaml.__version__}"

    def __init__(self) -> None:
        self._automl = flaml.AutoML()
        self._models = 0
        self._trace: list[Point] = []

    def train(self, table: Any, request: Request) -> None:
        """Train within the budget."""
        self._unwanted = [request.target, *filter(None, [request.weight])]
        weights = {"sample_weight": table[request.weight]} if request.weight else {}
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "trials.log"
            self._automl.fit(
                X_train=table.drop(columns=self._unwanted),
                y_train=table[request.target],
                task="regression" if request.problem == "regression" else "classification",
                metric=METRICS[request.problem],
                time_budget=request.budget_seconds,
                n_jobs=CORES,
                seed=request.seed,
                log_file_name=str(log),
                log_type="all",
                verbose=1,
                **weights,
            )
            lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            self._models = len(lines)
            self._trace = list(_read_trace(lines))

    def trace(self, test: Any, request: Request) -> list[Point]:  # noqa: ARG002  # the models are not kept
        """Return when trials were better than all before, by its log."""
        return self._trace

    def count_models(self) -> int:
        """Return the number of trials in its log."""
        return self._models

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        labels = getattr(self._automl, "classes_", None)
        return [] if labels is None else [str(label) for label in labels]

    def predict(self, rows: Any) -> Predictions:
        """Predict with the best model."""
        answer = self._automl.predict_proba(rows) if self.classes else self._automl.predict(rows)
        return np.asarray(answer, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write it as its documentation does."""
        with (folder / "automl.pkl").open("wb") as file:
            pickle.dump(self._automl, file, pickle.HIGHEST_PROTOCOL)


def _read_trace(lines: Sequence[str]) -> Iterator[Point]:
    best = float("inf")
    for number, line in enumerate(lines, 1):
        entry = json.loads(line)
        if "validation_loss" in entry and entry["validation_loss"] < best:
            best = float(entry["validation_loss"])
            yield Point(seconds=float(entry["wall_clock_time"]), trials=number, validation=best)


if __name__ == "__main__":
    serve(Flaml())
