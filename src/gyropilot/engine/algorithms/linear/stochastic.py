"""Linear models of long tables: stochastic gradient descent over all rows, from scikit-learn."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.linear.inputs import LinearScores, share_inputs
from gyropilot.engine.contracts import Parameters, Progress, TrainingData
from gyropilot.engine.task import ProblemType

ROWS_AT_ONCE = 20_000
"""So many rows of the design matrix are made at a time."""


class StochasticFit(LinearScores):
    """One linear model in training, a pass over the rows a step; weights are averaged over the passes."""

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        super().__init__(data, fold, share_inputs(data))
        rows = data.training_rows(fold)
        self._rows = rows[data.weights[rows] > 0]
        self._epochs = int(parameters["epochs"])
        self._random = np.random.default_rng(seed)
        self._center, self._scale = 0.0, 1.0
        if data.problem_type is ProblemType.REGRESSION:
            target, weights = data.target[self._rows], data.weights[self._rows]
            self._center = float(np.average(target, weights=weights))
            self._scale = math.sqrt(np.average((target - self._center) ** 2, weights=weights)) or 1.0
        self._mean_weight = float(data.weights[self._rows].mean())
        self._model = self._make_model(parameters, seed)

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Make the next passes."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (len(losses) < max_steps and time.monotonic() < end and len(self.weights) < self._epochs):
            self._pass()
            losses.append(self.measure_loss())
        is_broken = not math.isfinite(losses[-1])
        return Progress(losses=tuple(losses), is_finished=is_broken or len(self.weights) >= self._epochs)

    def _make_model(self, parameters: Parameters, seed: int) -> Any:
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        l1, l2 = float(parameters["l1"]), float(parameters["wd"])
        settings = {
            "penalty": "elasticnet",
            "alpha": l1 + l2,
            "l1_ratio": l1 / (l1 + l2),
            "learning_rate": "invscaling",
            "eta0": float(parameters["learning_rate"]),
            "power_t": 0.25,
            "average": True,
            "random_state": seed,
        }
        if self.data.problem_type is ProblemType.REGRESSION:
            return SGDRegressor(loss="squared_error", **settings)
        return SGDClassifier(loss="log_loss", **settings)

    def _pass(self) -> None:
        """Learn from all rows once, in random order."""
        order = self._random.permutation(self._rows)
        known = {} if self.data.problem_type is ProblemType.REGRESSION else {"classes": [0.0, 1.0]}
        for first in range(0, len(order), ROWS_AT_ONCE):
            rows = order[first : first + ROWS_AT_ONCE]
            target = (self.data.target[rows] - self._center) / self._scale
            weights = self.data.weights[rows] / self._mean_weight
            self._model.partial_fit(self.inputs.take(rows), target, sample_weight=weights, **known)
        with np.errstate(over="ignore", invalid="ignore"):
            coefficients = self._model.coef_.reshape(-1, 1).astype(np.float64) * self._scale
            intercept: NDArray[np.float64] = np.atleast_1d(self._model.intercept_) * self._scale + self._center
        self.weights.append((coefficients, intercept.astype(np.float64)))
