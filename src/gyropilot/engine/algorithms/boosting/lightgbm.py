"""LightGBM: leaf-wise gradient boosting (Ke et al., NeurIPS 2017)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.boosting.sizes import FEW_ROWS
from gyropilot.engine.algorithms.trees import TreeCollector
from gyropilot.engine.contracts import Abilities, Configuration, Parameters, Progress, TrainingData, Trees
from gyropilot.engine.task import ProblemType
from gyropilot.engine.tuning import Range

MAX_ROUNDS = 4000
OBJECTIVES = {
    ProblemType.BINARY: ("binary", "binary_logloss"),
    ProblemType.MULTICLASS: ("multiclass", "multi_logloss"),
    ProblemType.REGRESSION: ("regression", "l2"),
}


class LightGBM:
    """The catalogue's `lightgbm`."""

    name = "lightgbm"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("lightgbm",),
        learns_from_codes=True,
        ranges={
            "num_leaves": Range(low=4, high=200, is_whole=True),
            "min_data_in_leaf": Range(low=2, high=100, is_whole=True),
            "learning_rate": Range(low=0.01, high=0.12),
            "feature_fraction": Range(low=0.3, high=1.0, is_logarithmic=False),
            "bagging_fraction": Range(low=0.5, high=1.0, is_logarithmic=False),
            "lambda_l1": Range(low=0.01, high=10),
            "lambda_l2": Range(low=0.01, high=30),
        },
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:
        """Return a fast default, then leaf-wise, randomised, shallow and deep trees; starting values after pytabkit."""
        default = {"learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.9}
        # Amounts of long tables are learned in many rounds: larger steps cost little and save a third of them.
        is_long = problem_type is ProblemType.REGRESSION and rows > FEW_ROWS
        tuned = {
            "learning_rate": 0.08 if is_long else 0.05,
            "num_leaves": 40,
            "min_data_in_leaf": 30,
            "bagging_fraction": 0.75,
            "bagging_freq": 1,
            "feature_fraction": 0.8,
        }
        randomised: Parameters = {
            "learning_rate": 0.05,
            "num_leaves": 40,
            "min_data_in_leaf": 3,
            "feature_fraction": 0.45,
            "bagging_fraction": 0.88,
            "bagging_freq": 1,
            "extra_trees": True,
            "lambda_l1": 0.3,
            "lambda_l2": 1.0,
        }
        if rows > FEW_ROWS:
            # Random thresholds need several times the rounds on longer tables, and end worse.
            randomised = {
                "learning_rate": 0.06,
                "num_leaves": 80,
                "min_data_in_leaf": 20,
                "feature_fraction": 0.4,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "lambda_l2": 3.0,
            }
        shallow = {
            "learning_rate": 0.06,
            "num_leaves": 7,
            "min_data_in_leaf": 15,
            "feature_fraction": 0.45,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
        }
        deep = {
            "learning_rate": 0.03,
            "num_leaves": 128,
            "min_data_in_leaf": 5,
            "feature_fraction": 0.5,
            "lambda_l2": 1.0,
            "path_smooth": 1.0,
        }
        return [
            Configuration(parameters=default, priority=1, strength=70),
            Configuration(parameters=tuned, priority=2, strength=90),
            Configuration(parameters=randomised, priority=4, strength=85),
            Configuration(parameters=shallow, priority=5, strength=60),
            Configuration(parameters=deep, priority=7, strength=50),
        ]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> LightGBMFit:
        """Begin a fit on the rows outside a fold."""
        return LightGBMFit(data, fold, parameters, seed)


class LightGBMFit:
    """One booster in training, a round a step."""

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        import lightgbm

        self._data = data
        self._validation = data.validation_rows(fold)
        objective, metric = OBJECTIVES[data.problem_type]
        settings: dict[str, Any] = {
            **parameters,
            **_dataset_settings(),
            "objective": objective,
            "metric": metric,
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            "seed": seed,
            "verbosity": -1,
        }
        if data.problem_type is ProblemType.MULTICLASS:
            settings["num_class"] = data.class_count
        whole = _whole_dataset(data)
        training = whole.subset(data.training_rows(fold).tolist(), params=settings)
        validation = whole.subset(self._validation.tolist(), params=settings)
        self._booster = lightgbm.Booster(params=settings, train_set=training)
        self._booster.add_valid(validation.construct(), "validation")
        self._rounds = 0

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Boost on."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        is_stuck = False
        while not losses or (
            len(losses) < max_steps and time.monotonic() < end and self._rounds < MAX_ROUNDS and not is_stuck
        ):
            is_stuck = bool(self._booster.update())
            if is_stuck and self._rounds:
                break  # stuck from the start, the booster holds one tree that is the mean, which is a step
            self._rounds += 1
            losses.append(float(self._booster.eval_valid()[0][2]))
        return Progress(
            losses=tuple(losses),
            is_finished=is_stuck or self._rounds >= MAX_ROUNDS or not math.isfinite(losses[-1]),
        )

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        codes = self._data.codes[rows].astype(np.float32)
        raw = self._booster.predict(codes, raw_score=True, num_iteration=steps, num_threads=1)
        return np.asarray(raw, dtype=np.float64).reshape(len(rows), -1)

    def part(self, steps: int) -> Trees:
        """Return the trees of the first rounds."""
        outputs = self._data.output_count
        collector = TreeCollector(self._data.borders)
        trees = self._booster.model_to_string(num_iteration=steps).split("\nTree=")[1:]
        for number, text in enumerate(trees):
            _add_tree(
                collector, dict(line.split("=", 1) for line in text.splitlines() if "=" in line), number % outputs
            )
        return collector.finish(np.zeros(outputs))


def _dataset_settings() -> dict[str, Any]:
    """Return settings that keep every code a bin of its own."""
    return {
        "max_bin": 256,
        "min_data_in_bin": 1,
        "feature_pre_filter": False,
        "use_missing": False,
        "zero_as_missing": False,
        "enable_bundle": False,
        "bin_construct_sample_cnt": 1_000_000,
    }


def _whole_dataset(data: TrainingData) -> Any:
    """Return LightGBM's form of the whole table: built once in a lane, of which fits take their rows."""
    import lightgbm

    if LightGBM.name not in data.cache:
        whole = lightgbm.Dataset(
            data.codes[: len(data.target)].astype(np.float32),
            label=data.target,
            weight=data.weights if data.has_weights else None,
            params={**_dataset_settings(), "verbosity": -1, "num_threads": 1},
            free_raw_data=True,
        )
        data.cache[LightGBM.name] = whole.construct()
    return data.cache[LightGBM.name]


def _add_tree(collector: TreeCollector, fields: Mapping[str, str], output: int) -> None:
    """Add a tree of the library's text format, which numbers splits and leaves apart: leaf i is the child -i - 1."""
    value = _read_numbers(fields["leaf_value"])
    if "split_feature" not in fields:  # a tree that found nothing to split is one leaf
        collector.add_tree(
            np.array([-1]), np.zeros(1), np.zeros(1, int), np.zeros(1, int), value.reshape(-1, 1), output
        )
        return
    feature = _read_numbers(fields["split_feature"])
    splits, leaves = len(feature), len(value)
    children = [_read_numbers(fields[name]).astype(np.int64) for name in ("left_child", "right_child")]
    left, right = (np.pad(np.where(each < 0, splits - each - 1, each), (0, leaves)) for each in children)
    collector.add_tree(
        np.pad(feature, (0, leaves), constant_values=-1),
        np.pad(np.floor(_read_numbers(fields["threshold"])), (0, leaves)),
        left,
        right,
        np.pad(value, (splits, 0)).reshape(-1, 1),
        output,
    )


def _read_numbers(text: str) -> NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
