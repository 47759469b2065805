"""Answers of stages that are not whole models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gyropilot.serving.options import ServingOptions


class Table:
    """Columns by their keys: answers that are written as they are.

    Args:
        columns: a value per row for each key.
        rows: how many there are.
        is_whole: whether all columns are written, whatever keys are asked for.
    """

    labels: Sequence[str] = ()
    probabilities: Any = None
    values: Any = None

    def __init__(self, columns: Mapping[str, Sequence[Any]], rows: int, *, is_whole: bool = False) -> None:
        self._columns = columns
        self._rows = rows
        self._is_whole = is_whole

    def pick(self, options: ServingOptions) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """Return the keys of an answer and their columns; NaN for what there is not."""
        if self._is_whole:
            return tuple(self._columns), tuple(self._columns.values())
        known = {key: column for key, column in self._columns.items() if key in options.supported}
        return options.output, [known.get(key) or [math.nan] * self._rows for key in options.output]
