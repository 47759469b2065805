"""A model whose answers can be foretold: the second class's probability is the first column divided by a hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.errors import RequestError
from gyropilot.engine.features.encoders import Cell


@dataclass(frozen=True, kw_only=True)
class ScriptedAnswers:
    labels: Sequence[str]
    probabilities: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ScriptedModel:
    feature_names: tuple[str, ...] = ("age", "job", "x")
    other_names: frozenset[str] = frozenset({"y"})
    classes: tuple[str, ...] = ("no", "yes")

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> ScriptedAnswers:
        for row in rows:
            if len(row) not in {len(self.feature_names), len(self.feature_names) + 1}:
                raise RequestError(f"Expected number of columns is {len(self.feature_names)}.")
            if row[0] == "explode":
                raise ZeroDivisionError("boom")
        ages = np.array([float(row[0] or 0) / 100 for row in rows])
        return ScriptedAnswers(
            labels=[self.classes[int(age > 0.5)] for age in ages] if self.classes else [],
            probabilities=np.stack([1 - ages, ages], axis=1),
            values=ages,
        )

    def find_bounds(self, values: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.classes:
            raise RequestError("Only regressions have prediction intervals.")
        return values - level, values + level
