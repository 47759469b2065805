"""What the forests of scikit-learn share: trees grown in groups, averaged, and exported."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.algorithms.trees import TreeCollector
from gyropilot.engine.contracts import Link, Parameters, Progress, TrainingData, Trees
from gyropilot.engine.metrics.catalogue import surrogate
from gyropilot.engine.task import ProblemType

SHARE_OF_PRIOR = 0.002
"""So much of each probability is the class's share of the training rows: a forest that is sure is not quite sure."""
ROWS_PER_STEP, LARGEST_GROUP = 50_000, 5
"""A step grows as many trees as look at about so many rows together: one at least, and not many more."""
ROWS_PER_TREE = 50_000
"""No tree learns from many more rows: what it wins is little, what it costs grows."""


SHORT_TABLE = 10_000


def find_size(rows: int) -> dict[str, int]:
    """Return how many trees of how many leaves a table of so many rows is worth.

    The export grows with the product. A long table has more to tell than few leaves can hold, and fewer trees will do.
    """
    if rows < SHORT_TABLE:
        return {"trees": 60, "trees_per_step": find_group(rows), "max_leaf_nodes": 512}
    return {"trees": 30, "trees_per_step": find_group(rows), "max_leaf_nodes": 1024}


def find_group(rows: int) -> int:
    """Return how many trees a step grows on a table of so many rows."""
    return max(1, min(LARGEST_GROUP, ROWS_PER_STEP // max(rows, 1)))


class ForestFit:
    """One forest in training, a group of trees a step."""

    def __init__(self, data: TrainingData, fold: int, library: Any, parameters: Parameters, seed: int) -> None:
        settings: dict[str, Any] = dict(parameters)
        self._limit = int(settings.pop("trees"))
        self._group = int(settings.pop("trees_per_step"))
        self._data = data
        self._validation = data.validation_rows(fold)
        rows = data.training_rows(fold)
        # A row without weight would still be drawn and counted.
        self._rows = rows[data.weights[rows] > 0]
        self._forest = library(**settings, n_estimators=0, warm_start=True, n_jobs=1, random_state=seed)
        self._total: NDArray[np.float64] = np.zeros(1)

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Grow the next groups."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (len(losses) < max_steps and time.monotonic() < end and self._grown < self._limit):
            losses.append(self._grow())
        return Progress(losses=tuple(losses), is_finished=self._grown >= self._limit)

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' probabilities or amounts."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' probabilities or amounts."""
        trees = self._trees(steps)
        return self._smooth(self._sum(trees, rows) / len(trees))

    def part(self, steps: int) -> Trees:
        """Return the trees of the first groups."""
        trees = self._trees(steps)
        collector = TreeCollector(self._data.borders)
        base = self._smooth(self._widen(np.zeros((1, len(self._classes)))))[0]
        for estimator in trees:
            tree = estimator.tree_
            value = self._smooth(self._widen(tree.value[:, 0, :])) - base
            collector.add_tree(
                np.where(tree.children_left < 0, -1, tree.feature),
                np.floor(tree.threshold).astype(np.int64),  # codes are whole
                tree.children_left,
                tree.children_right,
                value / len(trees),
            )
        return collector.finish(base)

    @property
    def _grown(self) -> int:
        return int(self._forest.n_estimators)

    @property
    def _classes(self) -> NDArray[np.int64]:
        """The classes of the training rows, or one column for amounts."""
        if self._data.problem_type is ProblemType.REGRESSION:
            return np.zeros(1, dtype=np.int64)
        classes: NDArray[np.int64] = self._forest.classes_.astype(np.int64)
        return classes

    def _grow(self) -> float:
        """Grow a group of trees and return the loss with them."""
        data, rows, grown = self._data, self._rows, self._grown
        self._forest.set_params(n_estimators=min(grown + self._group, self._limit))
        weights = data.weights[rows] if data.has_weights else None
        self._forest.fit(data.codes[rows].astype(np.float32), data.target[rows], sample_weight=weights)
        self._total = self._total + self._sum(self._forest.estimators_[grown:], self._validation)
        raw = self._smooth(self._total / self._grown)
        predictions = to_predictions(raw, data.problem_type, Link.IDENTITY)
        loss = surrogate(data.problem_type).function
        return loss(data.target[self._validation], predictions, data.weights[self._validation])

    def _trees(self, steps: int) -> list[Any]:
        trees: list[Any] = self._forest.estimators_[: steps * self._group]
        return trees

    def _sum(self, trees: list[Any], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sum of what trees predict: (rows, classes), or (rows, 1)."""
        codes = self._data.codes[rows].astype(np.float32)
        if self._data.problem_type is ProblemType.REGRESSION:
            total: NDArray[np.float64] = np.sum([tree.predict(codes, check_input=False) for tree in trees], axis=0)
            return total.reshape(-1, 1)
        return self._widen(np.sum([tree.predict_proba(codes, check_input=False) for tree in trees], axis=0))

    def _widen(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers for all classes; a class that occurs in no training row of this fold has 0."""
        wide = np.zeros((len(numbers), max(self._data.class_count, 1)))
        wide[:, self._classes] = numbers
        return wide

    def _smooth(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, outputs): probabilities are drawn a little towards the classes' shares."""
        if self._data.problem_type is ProblemType.REGRESSION:
            return mean
        smoothed = (1 - SHARE_OF_PRIOR) * mean + SHARE_OF_PRIOR * self._prior
        return smoothed if self._data.problem_type is ProblemType.MULTICLASS else smoothed[:, 1:]

    @property
    def _prior(self) -> NDArray[np.float64]:
        answers = self._data.target[self._rows].astype(np.int64)
        counts = np.bincount(answers, weights=self._data.weights[self._rows], minlength=self._data.class_count)
        share: NDArray[np.float64] = counts / counts.sum()
        return share
