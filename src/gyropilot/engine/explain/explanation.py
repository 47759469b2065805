"""What an explanation says: SHAP values of rows, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EXACT, PERMUTATION = "exact", "permutation"
"""How values were found: from every set of columns, or from sets along random orders of them."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """SHAP values: how far each column moved each row's prediction from the mean prediction of the baseline.

    Probabilities are explained for classes and amounts in the target's unit for regressions. The values of a row and
    the expected value add up to its prediction.
    """

    columns: tuple[str, ...]
    """The columns of the table, in its order."""
    labels: tuple[str, ...]
    """What is explained: the positive class, or each class of more than two, or the target of a regression."""
    values: Numbers
    """(rows, columns, labels) SHAP values."""
    expected: Numbers
    """(labels,) mean prediction of the baseline."""
    predictions: Numbers
    """(rows, labels) what the model predicts."""
    method: str
    """`exact` or `permutation`."""
    standard_error: Numbers
    """(columns, labels) of one row's value for the orders that were drawn, as repetitions show it; 0 when exact."""
    asked: int
    """How many rows were to be explained; fewer were when the time did not allow more."""

    @property
    def importance(self) -> Numbers:
        """(columns, labels) mean absolute SHAP value of each column over the rows."""
        importance: Numbers = np.abs(self.values).mean(axis=0)
        return importance

    @property
    def importance_error(self) -> Numbers:
        """(columns, labels) standard error of the importance: other rows, and other orders, would give others."""
        spread: Numbers = np.abs(self.values).std(axis=0, ddof=1 if len(self.values) > 1 else 0)
        error: Numbers = spread / np.sqrt(len(self.values))
        return error

    @property
    def ranking(self) -> list[int]:
        """The columns by the sum of their importance over the labels, the most important first."""
        order: list[int] = np.argsort(-self.importance.sum(axis=1), kind="stable").tolist()
        return order


@dataclass(frozen=True, kw_only=True)
class WordEffects:
    """How far words of one column of texts moved predictions, compared with texts without them."""

    column: str
    words: tuple[str, ...]
    """Those of the largest effects first, frequent words before rare ones of the same."""
    effects: Numbers
    """(words, labels) mean effect over the texts that have the word."""
    counts: tuple[int, ...]
    """How many of the texts that were looked at have each word."""
    texts: int
    """How many texts were looked at."""
