"""CatBoost: boosting of trees that ask one question on each level (Prokhorenkova et al., NeurIPS 2018)."""

from __future__ import annotations

import json
import math
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread, current_thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.boosting.sizes import FEW_ROWS
from gyropilot.engine.algorithms.trees import find_thresholds
from gyropilot.engine.contracts import (
    Abilities,
    Configuration,
    Parameters,
    Progress,
    SymmetricTrees,
    TrainingData,
)
from gyropilot.engine.task import ProblemType
from gyropilot.engine.tuning import Range

MAX_ROUNDS = 2000
NEVER = 256
"""A code above all that there are."""
BORDERS = 128
"""Of the codes' own, up to 254; more cost time in proportion and were no better."""
OBJECTIVES = {
    ProblemType.BINARY: "Logloss",
    ProblemType.MULTICLASS: "MultiClass",
    ProblemType.REGRESSION: "RMSE",
}


class CatBoost:
    """The catalogue's `catboost`."""

    name = "catboost"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("catboost",),
        learns_from_codes=True,
        ranges={
            "depth": Range(low=4, high=8, is_whole=True),
            "learning_rate": Range(low=0.03, high=0.15),
            "l2_leaf_reg": Range(low=0.1, high=30),
            "random_strength": Range(low=0.0, high=2.0, is_logarithmic=False),
        },
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:
        """Return well-proven defaults (pytabkit's tuned ones), then a slower, shallower, more random variant."""
        tuned: Parameters = {
            "learning_rate": 0.12 if problem_type is ProblemType.REGRESSION and rows > FEW_ROWS else 0.08,
            "depth": 6,
            "l2_leaf_reg": 1e-5,
            "bootstrap_type": "Bernoulli",
            "subsample": 0.9,
            "random_strength": 0.8 if problem_type.is_classification else 0.0,
        }
        randomised: Parameters = {
            "learning_rate": 0.06,
            "depth": 5,
            "l2_leaf_reg": 3.0,
            "bootstrap_type": "Bernoulli",
            "subsample": 0.7,
            "rsm": 0.5,
            "random_strength": 1.0,
        }
        return [
            Configuration(parameters=tuned, priority=3, strength=88),
            Configuration(parameters=randomised, priority=7, strength=65),
        ]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> CatBoostFit:
        """Begin a fit on the rows outside a fold."""
        return CatBoostFit(data, fold, parameters, seed)


class CatBoostFit:
    """One booster in training, a round a step.

    The library trains in one go, so it does that in a thread of its own, which waits between the rounds. A model that
    can predict is there when the training ends: a fit that is advanced after it predicted trains again from its
    beginning, to the same trees.
    """

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        self._data = data
        self._validation = data.validation_rows(fold)
        self._settings: dict[str, Any] = {
            "loss_function": OBJECTIVES[data.problem_type],
            "iterations": MAX_ROUNDS,
            "boosting_type": "Plain",
            "border_count": BORDERS,
            "leaf_estimation_iterations": 1,
            **parameters,
            "random_seed": seed,
            "thread_count": 1,
            "use_best_model": False,
            "allow_const_label": True,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        if data.problem_type is ProblemType.MULTICLASS:
            self._settings["classes_count"] = data.class_count
        self._pools = self._make_pool(data.training_rows(fold)), self._make_pool(self._validation)
        self._rounds = 0
        self._training: _Training | None = None
        self._model: Any = None

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Boost on."""
        end = time.monotonic() + seconds
        training = self._resume()
        losses: list[float] = []
        while not losses or (len(losses) < max_steps and time.monotonic() < end and self._rounds < MAX_ROUNDS):
            losses.append(self._loss(training.boost()))
            self._rounds += 1
        return Progress(losses=tuple(losses), is_finished=self._rounds >= MAX_ROUNDS or not math.isfinite(losses[-1]))

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        codes = self._data.codes[rows].astype(np.float32)
        raw = self._end().predict(codes, prediction_type="RawFormulaVal", ntree_end=steps, thread_count=1)
        return np.asarray(raw, dtype=np.float64).reshape(len(rows), -1)

    def part(self, steps: int) -> SymmetricTrees:
        """Return the trees of the first rounds."""
        with TemporaryDirectory(prefix="gyropilot-") as folder:
            path = Path(folder) / "model.json"
            self._end().save_model(str(path), format="json")
            model = json.loads(path.read_bytes())
        scale, base = model["scale_and_bias"]
        outputs = self._data.output_count
        columns = np.array([each["flat_feature_index"] for each in model["features_info"]["float_features"]])
        trees = model["oblivious_trees"][:steps]
        depth = max(1, *(len(tree["splits"] or []) for tree in trees))
        feature = np.zeros((len(trees), depth), dtype=np.int32)
        # No code is above the largest: a question that a shallow tree does not ask is answered with no.
        code = np.full((len(trees), depth), NEVER, dtype=np.int64)
        value = np.zeros((len(trees), 2**depth, outputs), dtype=np.float32)
        for number, tree in enumerate(trees):
            for level, split in enumerate(tree["splits"] or []):
                feature[number, level] = columns[split["float_feature_index"]]
                code[number, level] = math.floor(split["border"])  # codes are whole
            leaves = scale * np.array(tree["leaf_values"]).reshape(-1, outputs)
            value[number, : len(leaves)] = leaves
        return SymmetricTrees(
            feature=feature,
            threshold=find_thresholds(self._data.borders, feature, code),
            value=value,
            base=np.broadcast_to(np.array(base, dtype=np.float64), outputs),
        )

    def _make_pool(self, rows: NDArray[np.int64]) -> Any:
        import catboost

        data = self._data
        weights = data.weights[rows] if data.has_weights else None
        return catboost.Pool(data.codes[rows].astype(np.float32), data.target[rows], weight=weights, thread_count=1)

    def _loss(self, metric: float) -> float:
        return metric**2 if self._data.problem_type is ProblemType.REGRESSION else metric

    def _resume(self) -> _Training:
        """Return the training where it waits."""
        if self._training is None:
            self._model = None
            self._training = _Training(self._settings, *self._pools)
            weakref.finalize(self, self._training.drop)
            for _ in range(self._rounds):
                self._training.boost()
        return self._training

    def _end(self) -> Any:
        """End the training and return the library's model."""
        if self._training is not None:
            self._model = self._training.end()
            self._training = None
        return self._model


class _Training:
    """The library's training in a thread: it asks before each round and answers with the loss after it."""

    def __init__(self, settings: dict[str, Any], training: Any, validation: Any) -> None:
        self._asks: SimpleQueue[bool] = SimpleQueue()
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._thread = Thread(target=self._run, args=(settings, training, validation), name="catboost", daemon=True)
        self._metric = settings["loss_function"]
        self._thread.start()

    def boost(self) -> float:
        """Train one round and return the metric of the validation rows."""
        self._asks.put(True)
        answer = self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return float(answer)

    def end(self) -> Any:
        """End the training after the last round and return the model."""
        self._asks.put(False)
        answer = self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def drop(self) -> None:
        """End the training, if it still waits, and its thread."""
        self._asks.put(False)
        if self._thread is not current_thread():
            self._thread.join()

    def after_iteration(self, info: Any) -> bool:
        """Answer to the one who asked for a round, and wait for the next question; the library calls this."""
        self._answers.put(info.metrics["validation"][self._metric][-1])
        return self._asks.get()

    def _run(self, settings: dict[str, Any], training: Any, validation: Any) -> None:
        import catboost

        if not self._asks.get():
            return
        try:
            model = catboost.CatBoost(settings)
            model.fit(training, eval_set=validation, callbacks=[self])
            self._answers.put(model)
        except Exception as error:  # it is raised where the round was asked for
            self._answers.put(error)
