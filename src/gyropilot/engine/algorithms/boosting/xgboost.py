"""XGBoost: depth-wise gradient boosting on histograms (Chen and Guestrin, KDD 2016)."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.boosting.sizes import FEW_ROWS
from gyropilot.engine.algorithms.trees import TreeCollector
from gyropilot.engine.contracts import Abilities, Configuration, Parameters, Progress, TrainingData, Trees
from gyropilot.engine.task import Mode, ProblemType
from gyropilot.engine.tuning import Range

MAX_ROUNDS = 4000
OBJECTIVES = {
    ProblemType.BINARY: ("binary:logistic", "logloss"),
    ProblemType.MULTICLASS: ("multi:softprob", "mlogloss"),
    ProblemType.REGRESSION: ("reg:squarederror", "rmse"),
}


class XGBoost:
    """The catalogue's `xgboost`."""

    name = "xgboost"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("xgboost",),
        learns_from_codes=True,
        modes=frozenset(Mode) - {Mode.AUTO},
        limit="num_round",
        rate="eta",
        ranges={
            "max_depth": Range(low=3, high=12, is_whole=True),
            "min_child_weight": Range(low=0.01, high=30),
            "learning_rate": Range(low=0.02, high=0.15),
            "lambda": Range(low=0.01, high=30),
            "subsample": Range(low=0.5, high=1.0, is_logarithmic=False),
            "colsample_bynode": Range(low=0.3, high=1.0, is_logarithmic=False),
        },
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:
        """Return well-proven defaults (pytabkit's tuned ones), then a slower, deeper, more random variant."""
        tuned = {
            "learning_rate": 0.08,
            "max_depth": 6,
            "min_child_weight": 5e-6,
            "lambda": 0.0,
            "subsample": 0.65,
            "colsample_bylevel": 0.9,
        }
        deep = {
            "learning_rate": 0.05 if rows <= FEW_ROWS else 0.08,
            "max_depth": 9 if rows <= FEW_ROWS else 8,
            "min_child_weight": 2.0,
            "lambda": 1.0,
            "subsample": 0.7,
            "colsample_bynode": 0.6,
        }
        shallow = {
            "learning_rate": 0.05,
            "max_depth": 4,
            "min_child_weight": 1.0,
            "lambda": 3.0,
            "subsample": 0.7,
            "colsample_bynode": 0.5,
        }
        first, second = (deep, tuned) if problem_type is ProblemType.REGRESSION else (tuned, deep)
        if rows <= FEW_ROWS:
            first, second = shallow, first
        return [
            Configuration(parameters=first, priority=3, strength=80),
            Configuration(parameters=second, priority=6, strength=55),
        ]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> XGBoostFit:
        """Begin a fit on the rows outside a fold."""
        return XGBoostFit(data, fold, parameters, seed)


class XGBoostFit:
    """One booster in training, a round a step."""

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        import xgboost

        self._data = data
        self._validation = data.validation_rows(fold)
        objective, metric = OBJECTIVES[data.problem_type]
        training = data.training_rows(fold)
        self._base = 0.5
        if data.problem_type is ProblemType.REGRESSION:
            self._base = float(np.average(data.target[training], weights=data.weights[training]))
        self._most_rounds = int(parameters.get("num_round", MAX_ROUNDS))
        settings: dict[str, Any] = {
            **{name: value for name, value in parameters.items() if name != "num_round"},
            "objective": objective,
            "eval_metric": metric,
            "base_score": self._base,
            "tree_method": "hist",
            "max_bin": 256,
            "nthread": 1,
            "seed": seed,
            "seed_per_iteration": True,  # the library draws for all boosters of a process from one stream
            "verbosity": 0,
        }
        if data.problem_type is ProblemType.MULTICLASS:
            settings["num_class"] = data.class_count
        self._training, self._evaluated = _matrices(data, fold, training, self._validation)
        self._booster = xgboost.Booster(settings, [self._training, self._evaluated])
        self._rounds = 0

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Boost on."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (len(losses) < max_steps and time.monotonic() < end and self._rounds < self._most_rounds):
            self._booster.update(self._training, self._rounds)
            self._rounds += 1
            loss = float(self._booster.eval(self._evaluated, "v").rpartition(":")[2])
            losses.append(loss**2 if self._data.problem_type is ProblemType.REGRESSION else loss)
        return Progress(
            losses=tuple(losses), is_finished=self._rounds >= self._most_rounds or not math.isfinite(losses[-1])
        )

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        codes = self._data.codes[rows].astype(np.float32)
        raw = self._booster.inplace_predict(codes, iteration_range=(0, steps), predict_type="margin")
        return np.asarray(raw, dtype=np.float64).reshape(len(rows), -1)

    def part(self, steps: int) -> Trees:
        """Return the trees of the first rounds."""
        outputs = self._data.output_count
        collector = TreeCollector(self._data.borders)
        model = json.loads(self._booster[:steps].save_raw("json"))["learner"]["gradient_booster"]["model"]
        for output, tree in zip(model["tree_info"], model["trees"], strict=True):
            _add_tree(collector, tree, output)
        base = {ProblemType.REGRESSION: self._base, ProblemType.BINARY: 0.0, ProblemType.MULTICLASS: 0.5}
        return collector.finish(np.full(outputs, base[self._data.problem_type]))


def _matrices(
    data: TrainingData, fold: int, training: NDArray[np.int64], validation: NDArray[np.int64]
) -> tuple[Any, Any]:
    """Return XGBoost's form of a fold's rows: built once in a lane, used by every configuration."""
    import xgboost

    key = XGBoost.name, fold
    if key not in data.cache:
        trained = xgboost.QuantileDMatrix(
            data.codes[training].astype(np.float32),
            data.target[training],
            weight=data.weights[training] if data.has_weights else None,
            max_bin=256,
            nthread=1,
        )
        evaluated = xgboost.DMatrix(
            data.codes[validation].astype(np.float32),
            data.target[validation],
            weight=data.weights[validation] if data.has_weights else None,
            nthread=1,
        )
        data.cache[key] = trained, evaluated
    matrices: tuple[Any, Any] = data.cache[key]
    return matrices


def _add_tree(collector: TreeCollector, tree: Mapping[str, Any], output: int) -> None:
    """Add a tree of the library's JSON format; leaves keep their value where splits keep their condition."""
    left = np.array(tree["left_children"])
    condition = np.array(tree["split_conditions"], dtype=np.float64)
    is_leaf = left < 0
    collector.add_tree(
        np.where(is_leaf, -1, tree["split_indices"]),
        np.ceil(condition) - 1,  # codes below the condition go left; codes are whole, so those up to the one before it
        left,
        np.array(tree["right_children"]),
        condition.reshape(-1, 1),
        output,
    )
