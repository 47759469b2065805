"""Linear models from scikit-learn: logistic regression, or ridge regression, along a path of penalties."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.linear.inputs import LinearScores, Weights, share_inputs
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
        modules=("sklearn.linear_model",),
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
        self._seed = seed
        self._model: Any = None

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
        from sklearn.linear_model import Ridge

        model = Ridge(alpha=1 / inverse_penalty, solver="cholesky", random_state=self._seed)
        model.fit(self._matrix.astype(np.float64), target, sample_weight=self._sample_weight())
        return model.coef_.reshape(-1, 1).astype(np.float64), np.atleast_1d(model.intercept_).astype(np.float64)

    def _sample_weight(self) -> NDArray[np.float64] | None:
        if not self.data.has_weights:
            return None
        weights = self.data.weights[self._rows]
        # The penalty is relative to the sum of the weights.
        relative: NDArray[np.float64] = weights / weights.mean()
        return relative

    def _fit_logistic(self, inverse_penalty: float, target: NDArray[np.float64]) -> Weights:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if self._model is None:
            self._model = LogisticRegression(
                solver="lbfgs", max_iter=200, tol=1e-4, warm_start=True, random_state=self._seed
            )
        self._model.set_params(C=inverse_penalty)
        with warnings.catch_warnings():
            # 200 iterations are the step's budget, converged or not: the validation loss tells what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(self._matrix, target, sample_weight=self._sample_weight())
        outputs = self.data.output_count
        weights = np.zeros((self._matrix.shape[1], outputs))
        intercept = np.full(outputs, -30.0 if outputs > 1 else 0.0)
        # A class that occurs in no training row of this fold keeps its very small score.
        columns = self._model.classes_.astype(np.int64) if outputs > 1 else np.array([0])
        coefficients, offsets = self._model.coef_, self._model.intercept_
        if outputs > 1 and len(columns) == 2:  # two classes left: the library gives one score
            coefficients, offsets = np.vstack([-coefficients, coefficients]) / 2, np.hstack([-offsets, offsets]) / 2
        weights[:, columns] = coefficients.T
        intercept[columns] = offsets
        return weights, intercept


def _read_path(parameters: Parameters, rows: int) -> NDArray[np.float64]:
    """Return the inverse penalties of a path, or the one that a weight decay means: relative to the sum of losses."""
    if "wd" in parameters:
        return np.array([1 / (float(parameters["wd"]) * rows)])
    return np.geomspace(float(parameters["strongest"]), float(parameters["weakest"]), int(parameters["penalties"]))
