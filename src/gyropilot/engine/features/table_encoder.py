"""Encodes whole rows: the columns' encoders in the order of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.features.derivations import Derivation, Lookup, Program
from gyropilot.engine.features.encoders import CategoricalEncoder, Cell, Encoder, NumericEncoder, TextEncoder
from gyropilot.engine.features.feature import Feature
from gyropilot.engine.features.recipes.steps import Step

COLUMNWISE_ROWS = 32
"""So many rows or more are encoded column by column, which is quicker for each row and slower to begin."""


class TableEncoder(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Turns rows of cells into rows of numbers."""

    columns: tuple[str, ...]
    """All feature columns in the order of the training table, also those that are not learned from."""
    encoders: tuple[Encoder, ...]
    """The encoders of those that are."""
    derivations: tuple[Derivation, ...] = ()
    """Columns that are computed from what the encoders make, which are the base columns, and stand after them."""
    steps: tuple[Step, ...] = ()
    """What is done to all these columns in turn: the steps of a recipe."""

    def __post_init__(self) -> None:
        strangers = {encoder.name for encoder in self.encoders} - set(self.columns)
        if strangers:
            raise ValueError(f"encoder {min(strangers)!r} has no column")
        levels = [feature.levels for feature in self.base_features]
        for each in self.derivations:
            if not all(0 <= column < len(levels) for column in each.reads):
                raise ValueError(f"derivation {each.name!r} reads columns {each.reads}; there are {len(levels)}")
            if isinstance(each, Lookup) and not all(levels[column] for column in each.columns):
                raise ValueError(f"lookup {each.name!r} reads columns {each.columns}, which are not all categories")
        self._check_steps()

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns of the encoded matrix."""
        features = (*self.base_features, *(Feature(name=each.name) for each in self.derivations))
        for step in self.steps:
            features = step.rename(features)
        return features

    @cached_property
    def base_features(self) -> tuple[Feature, ...]:
        """The columns that come straight from cells."""
        return tuple(
            Feature(name=output, levels=len(encoder.categories) if isinstance(encoder, CategoricalEncoder) else 0)
            for encoder in self.encoders
            for output in encoder.outputs
        )

    @cached_property
    def _steps(self) -> tuple[tuple[int, Encoder], ...]:
        position = {name: index for index, name in enumerate(self.columns)}
        return tuple((position[encoder.name], encoder) for encoder in self.encoders)

    def _check_steps(self) -> None:
        features = (*self.base_features, *(Feature(name=each.name) for each in self.derivations))
        for step in self.steps:
            strangers = [column for column in step.columns if not 0 <= column < len(features)]
            if strangers:
                name = step.__struct_config__.tag
                raise ValueError(f"step {name!r} reads column {strangers[0]}; there are {len(features)}")
            features = step.rename(features)

    def encode_rows(self, rows: Sequence[Sequence[Cell]]) -> NDArray[np.float32]:
        """Return the rows as an (n, features) matrix.

        Args:
            rows: cells in the order of `columns`; a short row's last cells count as missing.
        """
        if len(rows) >= COLUMNWISE_ROWS:
            parts = [encode_column(encoder, [row[index] for row in rows]) for index, encoder in self._steps]
            return self.derive(np.concatenate(parts, axis=1))
        steps = self._steps
        base = np.array(
            [[number for index, encoder in steps for number in encoder.encode(row[index])] for row in rows],
            dtype=np.float32,
        ).reshape(len(rows), len(self.base_features))
        return self.derive(base)

    def derive(self, base: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what follows from the base columns (n, base features): these, derived ones, all steps applied."""
        matrix = self._program.extend(base) if self.derivations else base
        for step in self.steps:
            matrix = step.apply(matrix)
        return matrix

    @cached_property
    def _program(self) -> Program:
        return Program(self.derivations)


def encode_column(encoder: Encoder, cells: Sequence[Cell]) -> NDArray[np.float32]:
    """Return the (n, outputs) matrix of a column's cells, of which many may be the same."""
    if isinstance(encoder, NumericEncoder) and not encoder.is_decorated:
        with suppress(TypeError, ValueError, OverflowError):  # words among the numbers are left to the encoder
            return encoder.limit([math.nan if cell is None or cell == "" else float(cell) for cell in cells])
    places = {cell: place for place, cell in enumerate(dict.fromkeys(cells))}
    result: NDArray[np.float32] = encode_distinct(encoder, list(places))[[places[cell] for cell in cells]]
    return result


def encode_distinct(encoder: Encoder, cells: Sequence[Cell]) -> NDArray[np.float32]:
    """Return the (n, outputs) matrix of a column's different cells."""
    if not cells:
        return np.full((0, len(encoder.outputs)), math.nan, dtype=np.float32)
    if isinstance(encoder, TextEncoder):
        return encoder.encode_many(cells).astype(np.float32)
    return np.array([encoder.encode(cell) for cell in cells], dtype=np.float32)
