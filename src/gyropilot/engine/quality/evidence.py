"""What a candidate's quality is judged by: predictions of rows that its models did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.task import ProblemType

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Answers and predictions of rows that were not learned from."""

    problem_type: ProblemType
    """The kind of answer."""
    classes: tuple[str, ...]
    """Labels in the order of the probabilities; empty for regression."""
    target: Numbers
    """(n,) class numbers or amounts."""
    predictions: Numbers
    """(n, classes) calibrated probabilities, or (n,) amounts."""
    decided: NDArray[np.int64]
    """(n,) numbers of the classes that are decided for; for regression empty."""
    weights: Numbers
    """(n,) how much each row counts."""

    def take(self, rows: NDArray[np.int64]) -> Evidence:
        """Return the evidence of some rows."""
        target, predictions, weights = self.target[rows], self.predictions[rows], self.weights[rows]
        decided = self.decided[rows] if self.classes else self.decided
        return replace(self, target=target, predictions=predictions, decided=decided, weights=weights)

    @property
    def is_weighted(self) -> bool:
        """Whether some rows count more than others."""
        return bool((self.weights != 1).any())

    @property
    def scores(self) -> Numbers:
        """(n,) probabilities of the positive class of two."""
        scores: Numbers = self.predictions[:, 1]
        return scores

    @property
    def losses(self) -> Numbers:
        """(n,) what each row was missed by: 1 for a wrong label, or the absolute error of an amount."""
        if self.problem_type.is_classification:
            wrong: Numbers = (self.decided != self.target).astype(np.float64)
            return wrong
        return np.abs(self.target - self.predictions)


def name_classes(known: Sequence[str], count: int) -> tuple[str, ...]:
    """Return so many labels; those that only the validation data has come after the known ones."""
    strangers = range(1, count - len(known) + 1)
    return (*known, *(f"(not in the training data: label {number})" for number in strangers))
