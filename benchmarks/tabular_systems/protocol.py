"""What a system does when it is measured, the same steps for all: train, predict, be timed, save."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CORES = 2
"""What every system is told that it may use; its process has no more."""
WARM_UP_CALLS = 20
ONE_ROW_CALLS = 200
ONE_ROW_SECONDS = 30.0
"""A system so slow that its calls of one row take longer is timed on fewer of them."""
MANY_ROWS = 10_000
MANY_ROWS_CALLS = 3
CHUNK_ROWS = 10_000

Predictions = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a system is asked for."""

    train: Path
    """Parquet; numbers are numbers, everything else is text, the classes too."""
    test: Path
    """Rows of the same form, the target among them."""
    target: str
    problem: str
    """`binary`, `multiclass` or `regression`."""
    budget_seconds: float
    seed: int
    weight: str
    """A column of row weights; empty: none, every column but the target is a feature."""
    out: Path
    """Where the figures go; the predictions go beside them, under `predictions_path`."""
    model: Path
    """The folder that the model is saved in."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """When a search was better than before."""

    seconds: float
    """Since training began."""
    trials: int
    """How many had ended."""
    validation: float
    """The error by the system's own validation."""
    error: float | None = None
    """The error of the test rows; None where the model is not kept."""


def take_cells(table: Any, columns: Sequence[str], numbers: Sequence[int]) -> list[list[Any]]:
    """Return rows of a table as lists of cells, the columns in this order."""
    chosen = table.select(list(columns)).take(list(numbers))
    return [list(cells) for cells in zip(*(column.to_pylist() for column in chosen.columns), strict=True)]


def widen(answer: NDArray[np.float64], classes: Sequence[str]) -> Predictions:
    """Return a column for each class where the answers for two are the probability of the second alone."""
    return np.column_stack([1 - answer, answer]) if len(classes) == 2 else answer


class System(ABC):
    """One of the systems. `Any` is the table and the rows as its users have them."""

    version: str
    """Name and version of what is measured."""

    @abstractmethod
    def read(self, path: Path) -> Any:
        """Return the table of a Parquet file."""

    @abstractmethod
    def train(self, table: Any, request: Request) -> None:
        """Train until it can predict. What is kept for `save` only is not done here."""

    @abstractmethod
    def count_models(self) -> int:
        """Return how many models it reports to have trained, the ensembles among them."""

    def trace(self, test: Any, request: Request) -> list[Point]:  # noqa: ARG002  # of those that search
        """Return when the search was better than before; empty where that is not known."""
        return []

    @property
    def first_model_seconds(self) -> float | None:
        """Seconds from the loaded table to the first model that can predict, of a system that tells."""
        return None

    @property
    @abstractmethod
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities; empty for regression."""

    @abstractmethod
    def choose_rows(self, table: Any, numbers: Sequence[int]) -> Any:
        """Return rows as a user has them who asks for predictions; this is not timed."""

    @abstractmethod
    def predict(self, rows: Any) -> Predictions:
        """Return probabilities (n, classes) or amounts (n,) from raw rows; this is timed."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what is needed to predict elsewhere."""


def predictions_path(out: Path) -> Path:
    """Return where the predictions of the test rows lie, as a NumPy file."""
    return out.with_suffix(".npy")


def serve(system: System, arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks of a system, and write the figures."""
    request = read_request(arguments)
    train, test = system.read(request.train), system.read(request.test)
    began_at = time.monotonic()
    system.train(train, request)
    fit_seconds = time.monotonic() - began_at
    del train
    np.save(predictions_path(request.out), _predict_all(system, test))
    figures = {
        "version": system.version,
        "fit_seconds": fit_seconds,
        "first_model_seconds": system.first_model_seconds,
        "models": system.count_models(),
        "classes": system.classes,
        "one_row_seconds": time_one_row(system, test),
        "many_rows_seconds": time_many_rows(system, test),
        "trace": [asdict(point) for point in system.trace(test, request)],
    }
    request.model.mkdir(parents=True, exist_ok=True)
    system.save(request.model)
    request.out.write_text(json.dumps(figures), encoding="utf-8")


def read_request(arguments: Sequence[str] | None = None) -> Request:
    """Return what a command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--problem", choices=["binary", "multiclass", "regression"], required=True)
    parser.add_argument("--budget", type=float, dest="budget_seconds", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weight", default="")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    return Request(**vars(parser.parse_args(arguments)))


def _predict_all(system: System, table: Any) -> Predictions:
    numbers = range(len(table))
    chunks = [numbers[start : start + CHUNK_ROWS] for start in range(0, len(numbers), CHUNK_ROWS)]
    return np.concatenate([system.predict(system.choose_rows(table, chunk)) for chunk in chunks])


def time_one_row(system: System, table: Any) -> float:
    """Return the median seconds of a prediction of one row, over different rows, after some that are not counted."""
    rows = [system.choose_rows(table, [number % len(table)]) for number in range(ONE_ROW_CALLS)]
    ends_at = time.monotonic() + ONE_ROW_SECONDS
    for row in rows[:WARM_UP_CALLS]:
        if time.monotonic() < ends_at:
            system.predict(row)
    ends_at = time.monotonic() + ONE_ROW_SECONDS
    seconds: list[float] = []
    for row in rows:
        if not seconds or time.monotonic() < ends_at:
            seconds.append(_time(partial(system.predict, row)))
    return statistics.median(seconds)


def time_many_rows(system: System, table: Any) -> float:
    """Return the median seconds of a prediction of 10,000 rows at once; a smaller table's rows are repeated."""
    rows = system.choose_rows(table, [number % len(table) for number in range(MANY_ROWS)])
    return statistics.median(_time(partial(system.predict, rows)) for _ in range(MANY_ROWS_CALLS))


def _time(call: Callable[[], object]) -> float:
    began_at = time.perf_counter()
    call()
    return time.perf_counter() - began_at
