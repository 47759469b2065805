"""Opens a model and predicts with it. Needs numpy, ONNX Runtime and msgspec; no training library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.archive import unpacked
from gyropilot.engine.bundle.manifest import Manifest, read_manifest
from gyropilot.engine.bundle.running import Graph, open_graph
from gyropilot.engine.bundle.stages import (
    AlgorithmStage,
    FeatureStage,
    LabelStage,
    facts_of,
    features_of,
    labels_of,
)
from gyropilot.engine.errors import BundleError
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.task import ProblemType


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model says of some rows."""

    labels: tuple[str, ...] = ()
    """For classification, the most probable class of each row."""
    probabilities: NDArray[np.float32] | None = None
    """For classification, (n, classes)."""
    values: NDArray[np.float32] | None = None
    """For regression, (n,) amounts in the target's unit."""


class StagedPredictor:
    """A model's stages, fused: what they answer one after the other, at once. Safe to use from several threads.

    Without the stage of labels, a classification names classes by their numbers.
    """

    def __init__(self, features: FeatureStage, algorithm: AlgorithmStage, labels: LabelStage | None) -> None:
        self.features = features
        """What makes numbers of rows of cells."""
        self._algorithm = algorithm
        self._classes = algorithm.class_numbers if labels is None else labels.classes

    @property
    def target(self) -> str:
        """The column it predicts."""
        return self.features.target

    @property
    def target_position(self) -> int:
        """Where the target stood among all columns of the training table."""
        return self.features.target_position

    @property
    def other_names(self) -> frozenset[str]:
        """The columns of the training table that are no features: the target, and the weight if there was one."""
        return self.features.other_names

    @property
    def baseline(self) -> tuple[tuple[Cell, ...], ...]:
        """Typical rows that explanations compare with; none in models of early versions."""
        return self._algorithm.facts.origin.baseline

    @property
    def problem_type(self) -> ProblemType:
        """The kind of answer."""
        return self._algorithm.facts.problem_type

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities; empty for regression."""
        return self._classes

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that a row must have, in order."""
        return self.features.columns

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Prediction:
        """Predict rows of cells in the order of `feature_names`; an empty cell is a missing one.

        A row with more cells is taken to hold, at their places in the training table, what is no feature: the target,
        or, of a model with row weights, the weight, or both.

        Raises:
            RequestError: when a row has another number of cells.
        """
        return self.interpret(self.run(self.features.encode(rows)))

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on encoded rows (n, features): (n, classes) probabilities or (n, 1) amounts."""
        return self._algorithm.run(features)

    def interpret(self, predictions: NDArray[np.float32]) -> Prediction:
        """Return what the graph's numbers mean."""
        if not self._classes:
            return Prediction(values=predictions[:, 0])
        labels = tuple(self._classes[index] for index in self.choose_classes(predictions).tolist())
        return Prediction(labels=labels, probabilities=predictions)

    def find_bounds(self, values: NDArray[np.float32], level: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the least and the greatest amount that an answer is, with a probability of `level` or more.

        Args:
            values: (n,) predicted amounts.
            level: such as 0.9; it holds over all rows together, not for each kind of row.

        Raises:
            RequestError: when the model is no regression, or does not know.
        """
        return self._algorithm.find_bounds(values, level)

    def choose_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the number of the class that is decided for in each row of (n, classes) probabilities."""
        return self._algorithm.choose_classes(probabilities)


class Predictor(StagedPredictor):
    """A whole model that is ready to predict, with what its manifest tells of it."""

    def __init__(self, manifest: Manifest, graph: Graph) -> None:
        super().__init__(features_of(manifest), AlgorithmStage(facts_of(manifest), graph), labels_of(manifest))
        self.manifest = manifest


def load(path: Path | str) -> Predictor:
    """Open a model: a bundle's folder or its `model.tar.gz`.

    Raises:
        BundleError: when it is not a model, or of a later format than this program reads.
    """
    with unpacked(Path(path)) as folder:
        return _open(folder)


def _open(folder: Path) -> Predictor:
    manifest = read_manifest(folder)
    predictor = Predictor(manifest, open_graph(folder, manifest.numbers_per_row))
    try_out(predictor)
    return predictor


def try_out(predictor: StagedPredictor) -> None:
    """Predict a row without cells, so that what does not fit is found before anyone asks.

    Raises:
        BundleError: when the model's parts do not fit together.
    """
    try:
        answer = predictor.predict_rows([[None] * len(predictor.feature_names)])
    except Exception as error:
        # Pieces that do not fit together fail in as many ways as there are pieces.
        raise BundleError(f"The model cannot predict: {error}") from error
    given = answer.values if answer.probabilities is None else answer.probabilities
    assert given is not None, "a prediction is one or the other"
    expected = (1, len(predictor.classes)) if predictor.classes else (1,)
    if given.shape != expected:
        raise BundleError(
            f"The model cannot predict: its graph gives an array of shape {given.shape}; {expected} is expected."
        )
