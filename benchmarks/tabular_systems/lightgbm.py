"""LightGBM as it is, with its own treatment of categories and early stopping on a tenth of the rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.tabular_systems.protocol import CORES, Predictions, Request, System, serve, take_cells, widen

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
METRICS = {"binary": "auc", "multiclass": "multi_logloss", "regression": "rmse"}
MAX_ROUNDS = 10_000
PATIENCE_ROUNDS = 50
HELD_OUT_SHARE = 0.1


class LightGBM(System):
    """Tables are Arrow's; a row is a list of cells, texts become the numbers of their categories."""

    version = f"lightgbm {lightgbm.__version__}"

    def __init__(self) -> None:
        self._features: list[str] = []
        self._categories: dict[int, dict[Any, int]] = {}
        self._classes: list[str] = []
        self._booster: Any = None

    def read(self, path: Path) -> pa.Table:
        """Return the table of a Parquet file."""
        return pq.read_table(path)

    def train(self, table: pa.Table, request: Request) -> None:
        """Train until no further round helps, or the time is over."""
        ends_at = time.monotonic() + request.budget_seconds
        self._features = [name for name in table.column_names if name not in {request.target, request.weight}]
        for index, name in enumerate(self._features):
            if pa.types.is_string(table.schema.field(name).type):
                known = table.column(name).drop_null().unique().to_pylist()
                self._categories[index] = {value: number for number, value in enumerate(sorted(known))}
        fitted, held_out = self._make_datasets(table, request)
        parameters: dict[str, Any] = {
            "objective": OBJECTIVES[request.problem],
            "metric": METRICS[request.problem],
            "num_threads": CORES,
            "seed": request.seed,
            "verbosity": -1,
        }
        if request.problem == "multiclass":
            parameters["num_class"] = len(self._classes)
        stopping = lightgbm.early_stopping(PATIENCE_ROUNDS, verbose=False)
        self._booster = lightgbm.train(
            parameters, fitted, MAX_ROUNDS, valid_sets=[held_out], callbacks=[stopping, stop_at(ends_at)]
        )

    def count_models(self) -> int:
        """Return one."""
        return 1

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        return self._classes

    def choose_rows(self, table: pa.Table, numbers: Sequence[int]) -> list[list[Any]]:
        """Return lists of cells."""
        return take_cells(table, self._features, numbers)

    def predict(self, rows: list[list[Any]]) -> Predictions:
        """Predict from cells."""
        threads = CORES if len(rows) > 1 else 1
        answer = np.asarray(self._booster.predict(self._encode(rows), num_threads=threads), dtype=np.float64)
        return widen(answer, self._classes)

    def save(self, folder: Path) -> None:
        """Write the booster as text, and the categories."""
        self._booster.save_model(folder / "model.txt")
        document = {"features": self._features, "categories": self._categories, "classes": self._classes}
        (folder / "columns.json").write_text(json.dumps(document), encoding="utf-8")

    def _make_datasets(self, table: pa.Table, request: Request) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
        features = self._encode(self.choose_rows(table, range(len(table))))
        target = table.column(request.target)
        if request.problem != "regression":
            self._classes = sorted(target.unique().to_pylist())
        numbers = {label: number for number, label in enumerate(self._classes)}
        answers = np.array([numbers.get(value, value) for value in target.to_pylist()], dtype=np.float64)
        weights = table.column(request.weight).to_numpy() if request.weight else np.ones(len(table))
        order = np.random.default_rng(request.seed).permutation(len(table))
        held, rest = np.split(order, [max(1, int(HELD_OUT_SHARE * len(table)))])
        fitted = lightgbm.Dataset(
            features[rest], answers[rest], weight=weights[rest], categorical_feature=list(self._categories)
        )
        return fitted, fitted.create_valid(features[held], answers[held], weight=weights[held])

    def _encode(self, rows: list[list[Any]]) -> Predictions:
        encoded = [row.copy() for row in rows]
        for index, numbers in self._categories.items():
            for row in encoded:
                row[index] = numbers.get(row[index])
        return np.array(encoded, dtype=np.float64)


def stop_at(moment: float) -> Callable[[Any], None]:
    """Return what ends a training, with the best round so far, when a moment of the monotonic clock is past."""

    def stop(environment: Any) -> None:
        if time.monotonic() > moment:
            raise lightgbm.callback.EarlyStopException(environment.iteration, environment.evaluation_result_list)

    return stop


if __name__ == "__main__":
    serve(LightGBM())
