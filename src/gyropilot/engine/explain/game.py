"""What is asked of a model when its predictions are explained: rows that are partly those of a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.explain.baseline import Baseline
from gyropilot.engine.features.table_encoder import TableEncoder, encode_column

Matrix = NDArray[np.float32]
Numbers = NDArray[np.float64]
Run = Callable[[Matrix], NDArray[np.float32]]
"""Encoded rows (n, features) in, probabilities (n, classes) or amounts (n, 1) out."""


def name_labels(classes: Sequence[str], target: str) -> tuple[str, ...]:
    """Return what is explained: of two classes the positive one, every class of more, or the target of a regression."""
    return (target,) if not classes else (classes[1],) if len(classes) == 2 else tuple(classes)


def keep_base(encoder: TableEncoder) -> TableEncoder:
    """Return the encoder of the base numbers alone: mixed rows are made of them."""
    return msgspec.structs.replace(encoder, derivations=(), steps=())


class Game:
    """A model whose columns are players: together they move the prediction from the baseline's to the row's.

    Columns that are computed from several others, and steps of a recipe, are computed anew for each mixed row.

    Args:
        encoder: turns cells into numbers.
        run: predicts from these numbers.
        classes: how many classes there are; 0 for a regression.
        baseline: typical rows, with a cell for each encoder.
    """

    def __init__(self, encoder: TableEncoder, run: Run, classes: int, baseline: Baseline) -> None:
        self.encoder = encoder
        self._run = run
        # Of two classes one says all: their probabilities add up to 1.
        self._outputs = [1] if classes == 2 else list(range(max(classes, 1)))
        self._baseline = baseline

    @property
    def players(self) -> int:
        """How many columns there are."""
        return len(self.encoder.encoders)

    @cached_property
    def column_of(self) -> NDArray[np.int64]:
        """(base features,) the column that each number comes from."""
        return np.repeat(np.arange(self.players), [len(each.outputs) for each in self.encoder.encoders])

    @cached_property
    def baseline(self) -> Matrix:
        """(b, base features) the baseline's numbers."""
        return self.encode_cells(self._baseline)

    @cached_property
    def baseline_predictions(self) -> Numbers:
        """(b, labels) what the model predicts for the baseline."""
        return self.predict(self.baseline)

    def predict(self, base: Matrix) -> Numbers:
        """Return the predictions (n, labels) of base numbers (n, base features)."""
        return self._run(self.encoder.derive(base))[:, self._outputs].astype(np.float64)

    def encode_cells(self, rows: Sequence[Sequence[str | float | None]]) -> Matrix:
        """Return the base numbers of rows with a cell for each encoder."""
        columns = [[row[place] for row in rows] for place in range(self.players)]
        parts = [encode_column(*each) for each in zip(self.encoder.encoders, columns, strict=True)]
        return np.concatenate(parts, axis=1)
