"""Gyropilot: the engine's own `fit`, with the metric that is scored as its objective."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.tabular_systems.protocol import CORES, Predictions, Request, System, serve
from gyropilot import __version__
from gyropilot.engine import Budget, Model, ProblemType, Task, fit
from gyropilot.engine.events import CandidateFailed, CandidateFinished, Event, Found

OBJECTIVES = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


class Gyropilot(System):
    """Tables are Arrow's; a row is a list of cells."""

    version = f"gyropilot {__version__}"
    _model: Model

    _first_model_at: float | None = None
    _began_at = 0.0

    def read(self, path: Path) -> pa.Table:
        """Return the table of a Parquet file."""
        return pq.read_table(path)

    def train(self, table: pa.Table, request: Request) -> None:
        """Train within the budget."""
        task = Task(
            target=request.target,
            problem_type=ProblemType(request.problem),
            objective=OBJECTIVES[request.problem],
            weight_column=request.weight,
            seed=request.seed,
        )
        budget = Budget(max_runtime_seconds=request.budget_seconds, cores=CORES)
        self._began_at = time.monotonic()
        self._model = fit(table, task, budget, on_event=self._hear)

    def count_models(self) -> int:
        """Return the number of finished candidates."""
        return len(self._model.candidates)

    @property
    def first_model_seconds(self) -> float | None:
        """Seconds from the loaded table to the first model."""
        return None if self._first_model_at is None else self._first_model_at - self._began_at

    def _hear(self, event: Event) -> None:
        if self._first_model_at is None and isinstance(event, CandidateFinished):
            self._first_model_at = time.monotonic()
        tell(event)

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        return list(self._model.predictor.classes)

    def choose_rows(self, table: pa.Table, numbers: Sequence[int]) -> list[list[Any]]:
        """Return lists of cells."""
        chosen = table.select(list(self._model.predictor.feature_names)).take(list(numbers))
        return [list(cells) for cells in zip(*(column.to_pylist() for column in chosen.columns), strict=True)]

    def predict(self, rows: list[list[Any]]) -> Predictions:
        """Predict from cells."""
        prediction = self._model.predictor.predict_rows(rows)
        numbers = prediction.values if prediction.probabilities is None else prediction.probabilities
        return np.asarray(numbers, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the archive of the best candidate."""
        self._model.save(folder / "model.tar.gz")


def tell(event: Event) -> None:
    """Print what is worth reading when a run is looked into afterwards."""
    if isinstance(event, Found):
        print(event.message, flush=True)
    elif isinstance(event, CandidateFailed):
        print(f"{event.id} {event.algorithm}: failed: {event.reason}", flush=True)
    elif isinstance(event, CandidateFinished):
        result = event.result
        print(f"{result.id} {result.algorithm}: {result.objective.value:.6g} in {result.fit_seconds:.2f} s", flush=True)


if __name__ == "__main__":
    serve(Gyropilot())
