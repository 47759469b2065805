"""Serves a stage of a model by itself, or several as one model.

A model of tuning has a container for each stage. Run one by one they pass CSV on: numbers of rows, then numbers of
classes and probabilities. In a series they are opened as one model, which answers the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from gyropilot.engine.bundle.archive import unpacked
from gyropilot.engine.bundle.load import Prediction, StagedPredictor, load, try_out
from gyropilot.engine.bundle.stages import (
    AlgorithmStage,
    FeatureStage,
    LabelStage,
    Stages,
    holds_stages,
    open_stages,
)
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.engine.features.encoders import Cell
from gyropilot.serving.model import Answers, Model
from gyropilot.serving.options import read_keys
from gyropilot.serving.tables import Table

MODE = "AUTOML_TRANSFORM_MODE"
"""The variable that says which of its stages a container is."""
FEATURES, LABELS = "feature-transform", "inverse-label-transform"
INPUT = "SAGEMAKER_INFERENCE_INPUT"


def open_model(paths: Sequence[Path], environment: Mapping[str, str]) -> Model:
    """Open what containers serve.

    Args:
        paths: the archive or folder of each, in order: a whole model or a stage, or the stages of a model.
        environment: of the container, or of all of them together.

    Raises:
        BundleError: when one cannot be opened, or they are not the stages of one model in their order.
    """
    if len(paths) > 1:
        return _fuse([open_stages(path) for path in paths])
    with unpacked(paths[0]) as folder:
        return _open_one(folder, environment)


def _open_one(folder: Path, environment: Mapping[str, str]) -> Model:
    if not holds_stages(folder):
        return load(folder)
    stages, mode = open_stages(folder), environment.get(MODE, FEATURES)
    if stages.algorithm is not None:
        return AlgorithmModel(stages.algorithm)
    if mode == FEATURES and stages.features is not None:
        return FeatureModel(stages.features)
    if mode == LABELS and stages.labels is not None:
        return LabelModel(stages.labels, read_keys(environment.get(INPUT, "")))
    raise BundleError(f"{MODE} is {mode!r}; the archive has no such stage.")


def _fuse(stages: Sequence[Stages]) -> StagedPredictor:
    features, algorithm = stages[0].features, stages[1].algorithm
    labels = stages[2].labels if len(stages) > 2 else None  # without it, classes are called by their numbers
    if features is None or algorithm is None or (len(stages) > 2 and labels is None) or len(stages) > 3:
        raise BundleError("The archives are not those of features, algorithm and labels, in this order.")
    if labels is not None and len(labels.classes) != len(algorithm.class_numbers):
        raise BundleError(
            f"The labels are those of {len(labels.classes)} classes; the algorithm has {len(algorithm.class_numbers)}."
        )
    if features.width != algorithm.width:
        raise BundleError(f"The features are {features.width} numbers a row; the algorithm takes {algorithm.width}.")
    predictor = StagedPredictor(features, algorithm, labels)
    try_out(predictor)
    return predictor


class _Stage:
    """What all stages are, seen as models: without other columns, classes and bounds."""

    other_names: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()

    def find_bounds(self, values: Any, level: float) -> tuple[Any, Any]:  # noqa: ARG002  # of models that have bounds
        """Refuse: the stage predicts no amounts."""
        raise RequestError("Only regressions have prediction intervals; this container predicts no amounts.")


class FeatureModel(_Stage):
    """Answers rows of cells with rows of numbers."""

    def __init__(self, stage: FeatureStage) -> None:
        self._stage = stage
        self.other_names = stage.other_names

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns in training order, without the target."""
        return self._stage.columns

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Answers:
        """Return the numbers of rows, each as the shortest text that means it.

        Raises:
            RequestError: when a row has another number of cells.
        """
        numbers = self._stage.encode(rows).astype("U16").astype(np.float64)
        columns = {f"feature_{place}": column.tolist() for place, column in enumerate(numbers.T)}
        return Table(columns, len(rows), is_whole=True)


class AlgorithmModel(_Stage):
    """Answers rows of numbers with numbers of classes and probabilities, or with amounts."""

    def __init__(self, stage: AlgorithmStage) -> None:
        self._stage = stage
        self.classes = stage.class_numbers
        self.feature_names = tuple(f"feature_{place}" for place in range(stage.width))

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Answers:
        """Return predictions.

        Raises:
            RequestError: when a row has another number of cells, or one is no number.
        """
        _check_width(rows, len(self.feature_names))
        try:
            numbers = np.array([[_read_number(cell) for cell in row] for row in rows], dtype=np.float32)
        except ValueError as error:
            raise RequestError(f"The algorithm takes numbers only: {error}.") from None
        predictions = self._stage.run(numbers)
        if not self.classes:
            return Prediction(values=predictions[:, 0])
        chosen = self._stage.choose_classes(predictions).tolist()
        return Prediction(labels=tuple(map(str, chosen)), probabilities=predictions)

    def find_bounds(self, values: Any, level: float) -> tuple[Any, Any]:
        """Return the ends of the interval around each predicted amount that holds the answer with a probability.

        Raises:
            RequestError: when the algorithm has no such intervals.
        """
        return self._stage.find_bounds(values, level)


class LabelModel(_Stage):
    """Answers numbers of classes with labels, and passes probabilities on."""

    def __init__(self, stage: LabelStage, keys: Sequence[str]) -> None:
        self._stage = stage
        self.feature_names = tuple(keys)

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Answers:
        """Return the columns of the input that are asked for, with labels for numbers of classes, and all labels.

        Raises:
            RequestError: when a row has another number of cells, or one is not what its key says.
        """
        _check_width(rows, len(self.feature_names))
        readers: Mapping[str, Callable[[Any], Any]] = {
            "predicted_label": self._name,
            "probability": float,
            "probabilities": orjson.loads,
        }
        columns: dict[str, list[Any]] = {"labels": [list(self._stage.classes)] * len(rows)}
        for place, key in enumerate(self.feature_names):
            read = readers.get(key)
            try:
                columns[key] = [math.nan if read is None else read(row[place]) for row in rows]
            except ValueError as error:
                raise RequestError(f"The column {key!r} cannot be read: {error}.") from None
        return Table(columns, len(rows))

    def _name(self, cell: Any) -> str:
        (label,) = self._stage.name_classes(np.array([int(cell)]))
        return label


def _read_number(cell: Cell) -> float:
    return math.nan if cell in {None, ""} else float(cell)


def _check_width(rows: Sequence[Sequence[Cell]], expected: int) -> None:
    for row in rows:
        if len(row) != expected:
            raise RequestError(
                f"Received data of unknown size. Expected number of columns is {expected}. "
                f"Number of columns in the received data is {len(row)}."
            )
