"""AutoGluon with one of its presets, as `--preset` says; saved and timed as its clone for deployment, in memory."""

from __future__ import annotations

import argparse
import importlib.metadata
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from autogluon.tabular import TabularPredictor  # type: ignore[import-not-found,import-untyped,unused-ignore]

from benchmarks.tabular_systems.frames import FrameSystem
from benchmarks.tabular_systems.protocol import CORES, Predictions, Request, serve

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}


class AutoGluon(FrameSystem):
    """The predictor is what `fit` leaves; the training folder lives as long as the process."""

    version = f"autogluon {importlib.metadata.version('autogluon.tabular')}"

    def __init__(self, preset: str) -> None:
        self._preset = preset
        self._folder = tempfile.TemporaryDirectory(prefix="autogluon-")
        self._predictor: Any = None
        self._clone: Any = None

    def train(self, table: Any, request: Request) -> None:
        """Train within the budget."""
        self._unwanted = [request.target, *filter(None, [request.weight])]
        self._predictor = TabularPredictor(
            label=request.target,
            problem_type=request.problem,
            eval_metric=METRICS[request.problem],
            sample_weight=request.weight or None,
            path=str(Path(self._folder.name) / "training"),
        ).fit(table, time_limit=request.budget_seconds, presets=self._preset, num_cpus=CORES)

    def count_models(self) -> int:
        """Return the number of models on the leaderboard; a bag of folds is one."""
        return len(self._predictor.model_names())

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        return [str(label) for label in self._predictor.class_labels or []]

    def predict(self, rows: Any) -> Predictions:
        """Predict with the clone."""
        predictor = self._deployed()
        if not self.classes:
            return np.asarray(predictor.predict(rows, as_pandas=False), dtype=np.float64)
        return np.asarray(predictor.predict_proba(rows, as_pandas=False, as_multiclass=True), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the clone for deployment: the best model and what it is made of."""
        self._predictor.clone_for_deployment(path=str(folder), dirs_exist_ok=True)

    def _deployed(self) -> Any:
        """Return a predictor of the best model alone that keeps it in memory, as one that serves does."""
        if self._clone is None:
            path = str(Path(self._folder.name) / "deployed")
            self._clone = self._predictor.clone_for_deployment(path=path, return_clone=True)
            self._clone.persist()
        return self._clone


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", required=True)
    known, others = parser.parse_known_args()
    serve(AutoGluon(known.preset), others)
