"""The table as each recipe makes it, fitted and written when a trial needs it, or while those before it train."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag

import numpy as np
from numpy.lib.format import open_memmap

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.data.store import read_training_data, write_head
from gyropilot.engine.features.documents import read_document, write_document
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.recipes.catalogue import fit_recipe, transform
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.problems.tabular.enrich import take_answers
from gyropilot.engine.problems.tabular.prepare import Prepared
from gyropilot.engine.tuning import Pipeline

RECIPE, ARRAYS = "recipe.json", "recipe.npz"
ROWS_AT_ONCE = 50_000
SAMPLE = 200_000
"""So many rows of a long table tell what the steps of a recipe, and borders, need to know."""


@dataclass(frozen=True, kw_only=True)
class RecipeTable:
    """The table as a recipe makes it."""

    name: str
    """Its folder within that of the data."""
    encoder: TableEncoder
    """How cells become its numbers."""
    data: TrainingData
    """Its rows, mapped."""
    fit_seconds: float
    transform_seconds: float
    """How long fitting and applying the recipe took; 0 when both were done before."""


class RecipeTables:
    """Makes the tables of pipelines, one after the other; those of the same recipe share one.

    Args:
        prepared: what is known of the table.
        data: the table as it was read.
        folder: where that lies, and each recipe's table in a folder of its own.
        pipelines: all that there are.
        seed: which rows of a long table are looked at.
    """

    def __init__(
        self, prepared: Prepared, data: TrainingData, folder: Path, pipelines: Sequence[Pipeline], seed: int
    ) -> None:
        self._encoder = prepared.encoder
        self._fold_count = prepared.fold_count
        self._data = data
        self._folder = folder
        self._seed = seed
        recipes = list(dict.fromkeys(pipeline.recipe for pipeline in pipelines))
        self._names: Mapping[tuple[str, ...], str] = {recipe: f"recipe{n}" for n, recipe in enumerate(recipes)}
        self._coded = {each.recipe for each in pipelines if ALGORITHMS[each.algorithm].abilities.learns_from_codes}
        self._maker = ThreadPoolExecutor(1, "recipe-tables")
        self._is_closed = Flag()
        self._tables: dict[str, Future[RecipeTable]] = {}

    def name_of(self, pipeline: Pipeline) -> str:
        """Return the name of a pipeline's table."""
        return self._names[pipeline.recipe]

    def begin(self, pipeline: Pipeline) -> None:
        """Have the table of a pipeline made while something else is done, unless it is there."""
        name = self.name_of(pipeline)
        if name not in self._tables:
            self._tables[name] = self._maker.submit(self._find, name, pipeline)

    def get(self, pipeline: Pipeline) -> RecipeTable:
        """Return the table of a pipeline, which is waited for unless it is there.

        Raises:
            TaskError: when its recipe leaves no column.
        """
        self.begin(pipeline)
        return self._tables[self.name_of(pipeline)].result()

    def close(self) -> None:
        """End the making of tables that nobody waits for."""
        self._is_closed.set()
        self._maker.shutdown(cancel_futures=True)

    def _find(self, name: str, pipeline: Pipeline) -> RecipeTable:
        is_there = (self._folder / name / RECIPE).exists()
        return self._read(name) if is_there else self._make(name, pipeline)

    def _read(self, name: str) -> RecipeTable:
        path = self._folder / name
        encoder = read_document((path / RECIPE).read_bytes(), path / ARRAYS, TableEncoder)
        data = read_training_data(path)
        return RecipeTable(name=name, encoder=encoder, data=data, fit_seconds=0.0, transform_seconds=0.0)

    def _make(self, name: str, pipeline: Pipeline) -> RecipeTable:
        """Fit the recipe to the rows that are learned from and apply it to all; the record of it comes last."""
        began = time.monotonic()
        data = self._data
        learned = data.training_rows(0) if self._fold_count == 1 else np.flatnonzero(data.folds != HOLDOUT)
        if len(learned) > SAMPLE:
            learned = np.sort(np.random.default_rng(self._seed).choice(learned, SAMPLE, replace=False))
        answers = take_answers(data, learned)
        encoder = fit_recipe(self._encoder, pipeline.recipe, data.features[learned], answers, seed=self._seed)
        fitted = time.monotonic()
        path = self._folder / name
        path.mkdir(parents=True, exist_ok=True)
        self._write(path, encoder, learned, is_coded=pipeline.recipe in self._coded)
        write_document(encoder, path / RECIPE, path / ARRAYS)
        return RecipeTable(
            name=name,
            encoder=encoder,
            data=read_training_data(path),
            fit_seconds=fitted - began,
            transform_seconds=time.monotonic() - fitted,
        )

    def _write(self, path: Path, encoder: TableEncoder, learned: np.ndarray, *, is_coded: bool) -> None:
        rows, width = len(self._data.features), len(encoder.features)
        features = open_memmap(path / "features.npy", mode="w+", dtype=np.float32, shape=(rows, width))
        codes = open_memmap(path / "codes.npy", mode="w+", dtype=np.uint8, shape=(rows, width if is_coded else 0))
        for first in range(0, rows, ROWS_AT_ONCE):
            self._check_open()
            part = slice(first, first + ROWS_AT_ONCE)
            features[part] = transform(self._encoder, encoder, self._data.features[part])
        borders = fit_borders(features[learned], seed=self._seed) if is_coded else []
        for first in range(0, rows if is_coded else 0, ROWS_AT_ONCE):
            self._check_open()
            part = slice(first, first + ROWS_AT_ONCE)
            codes[part] = quantise(features[part], borders)
        features.flush()
        codes.flush()
        levels = tuple(feature.levels for feature in encoder.features)
        write_head(replace(self._data, levels=levels, borders=borders, column_folds=()), path)

    def _check_open(self) -> None:
        if self._is_closed.is_set():
            raise CancelledError
