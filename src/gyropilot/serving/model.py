"""What the program asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from gyropilot.engine.features.encoders import Cell


class Answers(Protocol):
    """Predictions for some rows, in their order: `engine.bundle.load.Prediction` is one."""

    @property
    def labels(self) -> Sequence[str]:
        """The predicted classes; empty for regression."""
        ...

    @property
    def probabilities(self) -> Any:
        """Array of a row per row and a column per class; unused for regression."""
        ...

    @property
    def values(self) -> Any:
        """Array of predicted numbers; unused for classification."""
        ...


class Model(Protocol):
    """A trained model: `engine.bundle.load.Predictor` is one."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns in training order, without the target."""
        ...

    @property
    def other_names(self) -> frozenset[str]:
        """The columns of the training table that are no features: rows may hold them, too."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes; empty for regression."""
        ...

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Answers:
        """Predict rows of cells; an empty one is a missing value.

        Raises:
            RequestError: when the rows do not fit the model.
        """
        ...

    def find_bounds(self, values: Any, level: float) -> tuple[Any, Any]:
        """Return the ends of the interval around each predicted number that holds the answer with a probability.

        Raises:
            RequestError: when the model has no such intervals.
        """
        ...
