"""Linear models from scikit-learn: logistic regression, or ridge regression, along a path of penalties."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.linear.design import fit_design
from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.contracts import Abilities, Configuration, Linear, Parameters, Progress, TrainingData
from gyropilot.engine.metrics.catalogue import surrogate
from gyropilot.engine.task import ProblemType

LEARNED_CELLS = 8_000_000
"""A design matrix that is learned from has no more cells: of longer tables a sample of the rows. It takes seconds then,
and a line has few numbers to learn."""
KEPT_CELLS = 50_000_000
"""A larger design matrix of all rows is not kept: rows are scored in parts."""

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]


class LinearLearner:
    """The catalogue's `linear-learner`."""

    name = "linear-learner"
    abilities = Abilities(problem_types=frozenset(ProblemType), modules=("sklearn.linear_model",))

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return one path of five penalties, from strong to weak."""
        return [
            Configuration(parameters={"strongest": 0.01, "weakest": 100.0, "penalties": 5}, priority=0, strength=10)
        ]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> LinearFit:
        """Begin a fit on the rows outside a fold."""
        return LinearFit(data, fold, parameters, seed)


class LinearFit:
    """One path of penalties, a penalty a step; each begins where the one before ended."""

    def __init__(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> None:
        self._data = data
        self._validation = data.validation_rows(fold)
        self._inputs = _share_inputs(data)
        rows = data.training_rows(fold)
        most = max(LEARNED_CELLS // self._inputs.design.width, 1)
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        self._rows = rows
        self._matrix = self._inputs.take(rows)
        self._path = np.geomspace(
            float(parameters["strongest"]), float(parameters["weakest"]), int(parameters["penalties"])
        )
        self._seed = seed
        self._model: Any = None
        self._weights: list[Weights] = []

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Fit the next penalties."""
        end = time.monotonic() + seconds
        losses: list[float] = []
        while not losses or (
            len(losses) < max_steps and time.monotonic() < end and len(self._weights) < len(self._path)
        ):
            self._weights.append(self._fit(float(self._path[len(self._weights)])))
            predictions = to_predictions(self.predict(len(self._weights)), self._data.problem_type)
            loss = surrogate(self._data.problem_type)
            rows = self._validation
            losses.append(loss.function(self._data.target[rows], predictions, self._data.weights[rows]))
        return Progress(losses=tuple(losses), is_finished=len(self._weights) == len(self._path))

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        weights, intercept = self._weights[steps - 1]
        size = max(KEPT_CELLS // (4 * self._inputs.design.width), 1)
        parts = [self._inputs.take(rows[first : first + size]) for first in range(0, len(rows), size)]
        scores = [part.astype(np.float64) @ weights + intercept for part in parts]
        return np.concatenate(scores) if scores else np.empty((0, len(intercept)))

    def part(self, steps: int) -> Linear:
        """Return the linear model of one penalty."""
        return self._inputs.design.part(*self._weights[steps - 1])

    def _fit(self, inverse_penalty: float) -> Weights:
        target = self._data.target[self._rows]
        if self._data.problem_type is ProblemType.REGRESSION:
            return self._fit_ridge(inverse_penalty, target)
        return self._fit_logistic(inverse_penalty, target)

    def _fit_ridge(self, inverse_penalty: float, target: NDArray[np.float64]) -> Weights:
        from sklearn.linear_model import Ridge

        model = Ridge(alpha=1 / inverse_penalty, solver="cholesky", random_state=self._seed)
        model.fit(self._matrix.astype(np.float64), target, sample_weight=self._sample_weight())
        return model.coef_.reshape(-1, 1).astype(np.float64), np.atleast_1d(model.intercept_).astype(np.float64)

    def _sample_weight(self) -> NDArray[np.float64] | None:
        if not self._data.has_weights:
            return None
        weights = self._data.weights[self._rows]
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
        outputs = self._data.output_count
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


class _Inputs:
    """A table's design and, unless it is too large, its design matrix."""

    def __init__(self, data: TrainingData) -> None:
        self.design = fit_design(data)
        self._features = data.features
        is_small = len(data.features) * self.design.width <= KEPT_CELLS
        self._matrix = self.design.apply(data.features) if is_small else None

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the design matrix of some rows."""
        return self.design.apply(self._features[rows]) if self._matrix is None else self._matrix[rows]


def _share_inputs(data: TrainingData) -> _Inputs:
    """Return the table as linear models see it: made once in a lane."""
    if LinearLearner.name not in data.cache:
        data.cache[LinearLearner.name] = _Inputs(data)
    inputs: _Inputs = data.cache[LinearLearner.name]
    return inputs
