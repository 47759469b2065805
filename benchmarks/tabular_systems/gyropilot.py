"""Gyropilot: the engine's own `fit`, with the metric that is scored as its objective.

`--mode hyperparameter_tuning` has it tune, `--whole` with trials that are all trained to their end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.scores import measure_error
from benchmarks.tabular_systems.protocol import CORES, Point, Predictions, Request, System, serve, take_cells
from gyropilot import __version__
from gyropilot.engine import Budget, Mode, Model, ProblemType, Task, Tuning, fit, load
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStopped,
    Event,
    Found,
)

OBJECTIVES = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


class Gyropilot(System):
    """Tables are Arrow's; a row is a list of cells."""

    version = f"gyropilot {__version__}"
    _model: Model

    _first_model_at: float | None = None
    _began_at = 0.0

    def __init__(self, mode: Mode = Mode.ENSEMBLING, *, is_whole: bool = False) -> None:
        self._mode = mode
        self._tuning = Tuning(stops_early=not is_whole)
        self._folder = tempfile.TemporaryDirectory(prefix="gyropilot-")
        self._ended = 0
        self._bests: list[tuple[float, int, CandidateResult]] = []

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
            mode=self._mode,
            tuning=self._tuning,
            seed=request.seed,
        )
        budget = Budget(max_runtime_seconds=request.budget_seconds, cores=CORES)
        self._began_at = time.monotonic()
        self._model = fit(table, task, budget, on_event=self._hear, folder=Path(self._folder.name) / "run")

    def count_models(self) -> int:
        """Return the number of candidates, those that were stopped early among them."""
        return max(self._ended, len(self._model.candidates))

    def trace(self, test: pa.Table, request: Request) -> list[Point]:
        """Return when candidates were better than all before, and what they make of the test rows."""
        answers = test.column(request.target).to_pylist()
        return [
            Point(
                seconds=seconds,
                trials=trials,
                validation=_error_of(result),
                error=measure_error(request.problem, answers, self._predict_all(result, test), self.classes),
            )
            for seconds, trials, result in self._bests
        ]

    def _predict_all(self, result: CandidateResult, test: pa.Table) -> Predictions:
        model = load(result.folder)
        answer = model.predict_proba(test) if model.classes else model.predict(test)
        return np.asarray(answer, dtype=np.float64)

    @property
    def first_model_seconds(self) -> float | None:
        """Seconds from the loaded table to the first model."""
        return None if self._first_model_at is None else self._first_model_at - self._began_at

    def _hear(self, event: Event) -> None:
        if self._first_model_at is None and isinstance(event, CandidateFinished):
            self._first_model_at = time.monotonic()
        self._ended += isinstance(event, CandidateFinished | CandidateStopped | CandidateFailed)
        if self._mode is not Mode.ENSEMBLING and isinstance(event, CandidateFinished) and event.is_best:
            self._bests.append((time.monotonic() - self._began_at, self._ended, event.result))
        tell(event)

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        return list(self._model.predictor.classes)

    def choose_rows(self, table: pa.Table, numbers: Sequence[int]) -> list[list[Any]]:
        """Return lists of cells."""
        return take_cells(table, self._model.predictor.feature_names, numbers)

    def predict(self, rows: list[list[Any]]) -> Predictions:
        """Predict from cells."""
        prediction = self._model.predictor.predict_rows(rows)
        numbers = prediction.values if prediction.probabilities is None else prediction.probabilities
        return np.asarray(numbers, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the archive of the best candidate."""
        self._model.save(folder / "model.tar.gz")


def _error_of(result: CandidateResult) -> float:
    objective = result.objective
    return 1 - objective.value if objective.higher_is_better else objective.value


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
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", type=Mode, default=Mode.ENSEMBLING)
    parser.add_argument("--whole", action="store_true")
    known, others = parser.parse_known_args()
    serve(Gyropilot(known.mode, is_whole=known.whole), others)
