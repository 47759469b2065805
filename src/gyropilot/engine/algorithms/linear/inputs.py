"""A table as linear models see it, and what all of them do with their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.linear.design import fit_design
from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.contracts import Linear, TrainingData
from gyropilot.engine.metrics.catalogue import surrogate

KEPT_CELLS = 50_000_000
"""A larger design matrix of all rows is not kept: rows are scored in parts."""

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]


class Inputs:
    """A table's design and, unless it is too large, its design matrix."""

    def __init__(self, data: TrainingData) -> None:
        self.design = fit_design(data)
        self._features = data.features
        is_small = len(data.features) * self.design.width <= KEPT_CELLS
        self._matrix = self.design.apply(data.features) if is_small else None

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the design matrix of some rows."""
        return self.design.apply(self._features[rows]) if self._matrix is None else self._matrix[rows]


def share_inputs(data: TrainingData) -> Inputs:
    """Return the table as linear models see it: made once in a lane."""
    key = "linear models"
    if key not in data.cache:
        data.cache[key] = Inputs(data)
    inputs: Inputs = data.cache[key]
    return inputs


class LinearScores:
    """The weights of a fit after each of its steps, and what they say of rows."""

    def __init__(self, data: TrainingData, fold: int, inputs: Inputs) -> None:
        self.data = data
        self.inputs = inputs
        self.weights: list[Weights] = []
        self._validation = data.validation_rows(fold)

    def measure_loss(self) -> float:
        """Return the loss of the validation rows after the last step."""
        predictions = to_predictions(self.predict(len(self.weights)), self.data.problem_type)
        rows = self._validation
        loss = surrogate(self.data.problem_type).function
        return float(loss(self.data.target[rows], predictions, self.data.weights[rows]))

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the validation rows' raw scores."""
        return self.score_rows(self._validation, steps)

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return any rows' raw scores."""
        weights, intercept = self.weights[steps - 1]
        size = max(KEPT_CELLS // (4 * self.inputs.design.width), 1)
        parts = [self.inputs.take(rows[first : first + size]) for first in range(0, len(rows), size)]
        scores = [part.astype(np.float64) @ weights + intercept for part in parts]
        return np.concatenate(scores) if scores else np.empty((0, len(intercept)))

    def part(self, steps: int) -> Linear:
        """Return the linear model of one step."""
        return self.inputs.design.part(*self.weights[steps - 1])
