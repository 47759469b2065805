"""Linear models: logistic regression, or ridge regression, along a path of penalties."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.linear.inputs import LinearScores, Weights, share_inputs
from gyropilot.engine.algorithms.linear.solvers import Ridge, fit_logistic
from gyropilot.engine.algorithms.linear.stochastic import StochasticFit
from gyropilot.engine.contracts import Abilities, Configuration, Fit, Parameters, Progress, TrainingData
from gyropilot.engine.task import Mode, ProblemType

LEARNED_CELLS = 8_000_000
"""A design matrix that is learned from has no more cells: of longer tables a sample of the rows. It takes seconds then,
and a line has few numbers to learn."""


class LinearLearner:
    """The catalogue's `linear-learner`."""

    name = "linear-learner"
    abilities = Abilities(
        problem_types=frozenset(ProblemType),
        modules=("scipy.optimize",),
        tuning_modules=("sklearn.linear_model",),
        modes=frozenset(Mode) - {Mode.AUTO},
        limit="epochs",
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return one path of five penalties, from strong to weak."""
        return [
            Configuration(parameters={"strongest": 0.01, "weakest": 100.0, "penalties": 5}, priority=0, strength=10)
        ]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> Fit:
        """Begin a fit on the rows outside a fold: a path of penalties, or by `solver` one penalty, or passes."""
        if parameters.get("solver") == "sgd":
            return StochasticFit(data, fold, parameters, seed)
        return LinearFit(data, fold, parameters, seed)


class LinearFit(LinearScores):
    """One path of penalties, a penalty a step; each begins where the one before ended."""

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        super().__init__(data, fold, share_inputs(data))
        rows = data.training_rows(fold)
        most = max(LEARNED_CELLS // self.inputs.design.width, 1)
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        self._rows = rows
        self._matrix = self.inputs.take(rows)
        self._path = _read_path(parameters, len(rows))
        # The penalty is relative to the sum of the weights.
        weights = data.weights[rows]
        self._weights = weights / weights.mean()
        self._ridge: Ridge | None = None
        self._start: NDArray[np.float64] | None = None

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Fit the next penalties."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (
            len(losses) < max_steps and time.monotonic() < end and len(self.weights) < len(self._path)
        ):
            self.weights.append(self._fit(float(self._path[len(self.weights)])))
            losses.append(self.measure_loss())
        return Progress(losses=tuple(losses), is_finished=len(self.weights) == len(self._path))

    def _fit(self, inverse_penalty: float) -> Weights:
        target = self.data.target[self._rows]
        if self.data.problem_type is ProblemType.REGRESSION:
            return self._fit_ridge(inverse_penalty, target)
        return self._fit_logistic(inverse_penalty, target)

    def _fit_ridge(self, inverse_penalty: float, target: NDArray[np.float64]) -> Weights:
        if self._ridge is None:
            self._ridge = Ridge(self._matrix, target, self._weights)
        weights, intercept = self._ridge.solve(1 / inverse_penalty)
        return weights.reshape(-1, 1), np.array([intercept])

    def _fit_logistic(self, inverse_penalty: float, target: NDArray[np.float64]) -> Weights:
        present, classes = np.unique(target.astype(np.int64), return_inverse=True)
        if len(present) < 2:
            raise ValueError("All rows outside this fold are of one class.")
        outputs, columns = self.data.output_count, self._matrix.shape[1]
        if self._start is None:
            self._start = np.zeros((columns + 1, len(present) if len(present) > 2 else 1))
        self._start = fit_logistic(self._matrix, classes, self._weights, 1 / inverse_penalty, self._start)
        if outputs == 1:
            return self._start[:-1], self._start[-1]
        found = self._start if self._start.shape[1] > 1 else np.hstack([-self._start, self._start]) / 2
        weights = np.zeros((columns, outputs))
        intercept = np.full(outputs, -30.0)  # a class that occurs in no training row of this fold keeps this score
        weights[:, present], intercept[present] = found[:-1], found[-1]
        return weights, intercept


def _read_path(parameters: Parameters, rows: int) -> NDArray[np.float64]:
    """Return the inverse penalties of a path, or the one that a weight decay means: relative to the sum of losses."""
    if "wd" in parameters:
        return np.array([1 / (float(parameters["wd"]) * rows)])
    return np.geomspace(float(parameters["strongest"]), float(parameters["weakest"]), int(parameters["penalties"]))
