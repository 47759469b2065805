"""XGBoost tuned by Optuna, written plainly: the engine's space, cross-validation, the library's own early stopping."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from numpy.typing import NDArray
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

from benchmarks.scores import measure_error
from benchmarks.tabular_systems.protocol import CORES, Point, Predictions, Request, System, serve, take_cells, widen
from gyropilot.engine.search.spaces import XGBOOST
from gyropilot.engine.tuning import Range

OBJECTIVES = {
    "binary": ("binary:logistic", "auc"),
    "multiclass": ("multi:softprob", "mlogloss"),
    "regression": ("reg:squarederror", "rmse"),
}
MOST_ROUNDS, PATIENCE_ROUNDS = 2000, 50
FOLDS, CROSS_VALIDATED_ROWS, HELD_OUT_SHARE = 5, 50_000, 0.2
FINAL_SHARE = 0.1
"""So much of the budget is kept for the last model, which learns from all rows."""

Matrix = NDArray[np.float64]


class OptunaXGBoost(System):
    """Tables are Arrow's; a row is a list of cells, texts become the numbers of their categories."""

    version = f"optuna {optuna.__version__}, xgboost {xgboost.__version__}"

    def __init__(self) -> None:
        self._features: list[str] = []
        self._categories: dict[int, dict[Any, int]] = {}
        self._classes: list[str] = []
        self._booster: Any = None
        self._trace: list[Point] = []
        self._trials = 0

    def read(self, path: Path) -> pa.Table:
        """Return the table of a Parquet file."""
        return pq.read_table(path)

    def train(self, table: pa.Table, request: Request) -> None:
        """Try parameters until a tenth of the time is left, and learn from all rows with the best."""
        began_at = time.monotonic()
        ends_at = began_at + (1 - FINAL_SHARE) * request.budget_seconds
        features, target = self._encode_table(table, request)
        folds = _deal(features, target, request)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(multivariate=True, seed=request.seed))
        best: tuple[float, dict[str, Any], int] | None = None
        while best is None or time.monotonic() < ends_at:
            trial = study.ask()
            parameters = {**{name: _suggest(trial, name) for name in XGBOOST}, **self._settings(request)}
            loss, rounds = _cross_validate(parameters, features, target, folds, request, ends_at, self._classes)
            study.tell(trial, loss)
            self._trials += 1
            is_cut = time.monotonic() > ends_at  # its last trainings had hardly any rounds
            if best is None or (loss < best[0] and not is_cut):
                best = loss, parameters, rounds
                seconds = time.monotonic() - began_at
                self._trace.append(Point(seconds=seconds, trials=self._trials, validation=loss))
        _, parameters, rounds = best
        self._booster = xgboost.train(parameters, xgboost.DMatrix(features, target), rounds)

    def count_models(self) -> int:
        """Return the number of trials."""
        return self._trials

    def trace(self, test: pa.Table, request: Request) -> list[Point]:  # noqa: ARG002  # the models are not kept
        """Return when trials were better than all before."""
        return self._trace

    @property
    def classes(self) -> list[str]:
        """The labels in the order of the probabilities."""
        return self._classes

    def choose_rows(self, table: pa.Table, numbers: Sequence[int]) -> list[list[Any]]:
        """Return lists of cells."""
        return take_cells(table, self._features, numbers)

    def predict(self, rows: list[list[Any]]) -> Predictions:
        """Predict from cells."""
        answer = self._booster.inplace_predict(self._encode(rows))
        return widen(np.asarray(answer, dtype=np.float64), self._classes)

    def save(self, folder: Path) -> None:
        """Write the booster, and the categories."""
        self._booster.save_model(folder / "model.ubj")
        document = {"features": self._features, "categories": self._categories, "classes": self._classes}
        (folder / "columns.json").write_text(json.dumps(document), encoding="utf-8")

    def _settings(self, request: Request) -> dict[str, Any]:
        objective, metric = OBJECTIVES[request.problem]
        settings: dict[str, Any] = {
            "objective": objective,
            "eval_metric": metric,
            "tree_method": "hist",
            "nthread": CORES,
            "seed": request.seed,
            "verbosity": 0,
        }
        return settings | ({"num_class": len(self._classes)} if request.problem == "multiclass" else {})

    def _encode_table(self, table: pa.Table, request: Request) -> tuple[Matrix, Matrix]:
        self._features = [name for name in table.column_names if name not in {request.target, request.weight}]
        for index, name in enumerate(self._features):
            if pa.types.is_string(table.schema.field(name).type):
                known = table.column(name).drop_null().unique().to_pylist()
                self._categories[index] = {value: number for number, value in enumerate(sorted(known))}
        target = table.column(request.target)
        if request.problem != "regression":
            self._classes = sorted(target.unique().to_pylist())
        numbers = {label: number for number, label in enumerate(self._classes)}
        answers = np.array([numbers.get(value, value) for value in target.to_pylist()], dtype=np.float64)
        return self._encode(self.choose_rows(table, range(len(table)))), answers

    def _encode(self, rows: list[list[Any]]) -> Matrix:
        encoded = [row.copy() for row in rows]
        for index, numbers in self._categories.items():
            for row in encoded:
                row[index] = numbers.get(row[index])
        return np.array(encoded, dtype=np.float64)


def _suggest(trial: Any, name: str) -> float | int:
    within = XGBOOST[name]
    assert isinstance(within, Range)
    suggest = trial.suggest_int if within.is_whole else trial.suggest_float
    low, high = (int(within.low), int(within.high)) if within.is_whole else (within.low, within.high)
    value: float | int = suggest(name, low, high, log=within.is_logarithmic)
    return value


def _deal(features: Matrix, target: Matrix, request: Request) -> list[tuple[Any, Any]]:
    is_short, is_regression = len(target) <= CROSS_VALIDATED_ROWS, request.problem == "regression"
    if is_short:
        splitter = (KFold if is_regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=request.seed)
    else:
        kind = ShuffleSplit if is_regression else StratifiedShuffleSplit
        splitter = kind(1, test_size=HELD_OUT_SHARE, random_state=request.seed)
    return list(splitter.split(features, target))


def _cross_validate(
    parameters: dict[str, Any],
    features: Matrix,
    target: Matrix,
    folds: list[tuple[Any, Any]],
    request: Request,
    ends_at: float,
    classes: list[str],
) -> tuple[float, int]:
    """Return the mean error over the folds and the mean number of rounds."""
    errors, rounds = [], []
    for training, validation in folds:
        booster = xgboost.train(
            parameters,
            xgboost.DMatrix(features[training], target[training]),
            MOST_ROUNDS,
            evals=[(xgboost.DMatrix(features[validation], target[validation]), "validation")],
            verbose_eval=False,
            callbacks=[xgboost.callback.EarlyStopping(PATIENCE_ROUNDS), _StopAt(ends_at)],
        )
        predicted = booster.inplace_predict(features[validation], iteration_range=(0, booster.best_iteration + 1))
        answers: Any = [classes[int(number)] for number in target[validation]] if classes else target[validation]
        predictions = widen(np.asarray(predicted, dtype=np.float64), classes)
        errors.append(measure_error(request.problem, answers, predictions, classes))
        rounds.append(booster.best_iteration + 1)
    return float(np.mean(errors)), max(int(np.mean(rounds)), 1)


class _StopAt(xgboost.callback.TrainingCallback):
    """Ends a training when a moment of the monotonic clock is past."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002  # the library's names
        """Tell whether to end."""
        return time.monotonic() > self._moment


if __name__ == "__main__":
    serve(OptunaXGBoost())
