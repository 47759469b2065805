"""Opens a model and predicts with it. Needs numpy, ONNX Runtime and msgspec; no training library."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gyropilot.engine.budget import count_cores
from gyropilot.engine.bundle.archive import unpack
from gyropilot.engine.bundle.manifest import PREDICTOR, Manifest, read_manifest
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.task import ProblemType

FEWEST_ROWS_AT_ONCE = 256
"""Fewer rows are not worth a thread of their own."""
MOST_ROWS_AT_ONCE = 4096
"""Networks keep several hundred numbers for each row that is predicted at once."""
MOST_NUMBERS = 1 << 19
"""Symmetric trees keep thousands for each row; more numbers than this at once do not fit into the processor's cache."""


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that all models of the process share; ONNX Runtime works without Python's lock."""
    return ThreadPoolExecutor(count_cores(), thread_name_prefix="predict")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model says of some rows."""

    labels: tuple[str, ...] = ()
    """For classification, the most probable class of each row."""
    probabilities: NDArray[np.float32] | None = None
    """For classification, (n, classes)."""
    values: NDArray[np.float32] | None = None
    """For regression, (n,) amounts in the target's unit."""


class Predictor:
    """A model that is ready to predict; safe to use from several threads."""

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._encoder = manifest.encoder
        self._classes = manifest.classes
        self._decision = np.array(manifest.decision, dtype=np.float32) if manifest.decision else None
        self._extras = _find_extras(manifest)

    @property
    def target(self) -> str:
        """The column it predicts."""
        return self.manifest.target

    @property
    def target_position(self) -> int:
        """Where the target stood among all columns of the training table."""
        return self.manifest.target_position

    @property
    def problem_type(self) -> ProblemType:
        """The kind of answer."""
        return self.manifest.problem_type

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities; empty for regression."""
        return self._classes

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that a row must have, in order."""
        return self._encoder.columns

    def predict_rows(self, rows: Sequence[Sequence[Cell]]) -> Prediction:
        """Predict rows of cells in the order of `feature_names`; an empty cell is a missing one.

        A row with more cells is taken to hold, at their places in the training table, what is no feature: the target,
        or, of a model with row weights, the weight, or both.

        Raises:
            RequestError: when a row has another number of cells.
        """
        expected = len(self._encoder.columns)
        fitting = [row if len(row) == expected else self._without_extras(row, expected) for row in rows]
        return self.interpret(self.run(self._encoder.encode_rows(fitting)))

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on encoded rows (n, features): (n, classes) probabilities or (n, 1) amounts."""
        if len(features) < 2 * FEWEST_ROWS_AT_ONCE:
            return self._run_part(features)
        share = -(-len(features) // count_cores())
        most = MOST_NUMBERS // max(self.manifest.numbers_per_row, MOST_NUMBERS // MOST_ROWS_AT_ONCE)
        size = min(max(share, FEWEST_ROWS_AT_ONCE), max(most, 1))
        parts = [features[first : first + size] for first in range(0, len(features), size)]
        return np.concatenate(list(_threads().map(self._run_part, parts)))

    def _run_part(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        predictions: NDArray[np.float32] = self._session.run(None, {"features": features})[0]
        return predictions

    def interpret(self, predictions: NDArray[np.float32]) -> Prediction:
        """Return what the graph's numbers mean."""
        if not self._classes:
            return Prediction(values=predictions[:, 0])
        labels = tuple(self._classes[index] for index in self.choose_classes(predictions).tolist())
        return Prediction(labels=labels, probabilities=predictions)

    def choose_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the number of the class that is decided for in each row of (n, classes) probabilities."""
        decided = probabilities if self._decision is None else probabilities * self._decision
        chosen: NDArray[np.intp] = decided.argmax(axis=1)
        return chosen

    def _without_extras(self, row: Sequence[Cell], expected: int) -> Sequence[Cell]:
        extras = self._extras.get(len(row) - expected)
        if extras is None:
            raise RequestError(
                f"Received data of unknown size. Expected number of columns is {expected}. "
                f"Number of columns in the received data is {len(row)}."
            )
        return [cell for position, cell in enumerate(row) if position not in extras]


def _find_extras(manifest: Manifest) -> dict[int, frozenset[int]]:
    """Return, for each number of surplus cells, where they stand in a row."""
    target, weight = manifest.target_position, manifest.weight_position
    if weight is None:
        return {1: frozenset({target})}
    return {1: frozenset({weight - (target < weight)}), 2: frozenset({target, weight})}


def load(path: Path | str) -> Predictor:
    """Open a model: a bundle's folder or its `model.tar.gz`.

    Raises:
        BundleError: when it is not a model, or of a later format than this program reads.
    """
    path = Path(path)
    if path.is_dir():
        return _open(path)
    with tempfile.TemporaryDirectory(prefix="gyropilot-model-") as folder:
        unpack(path, Path(folder))
        return _open(Path(folder))


def _open(folder: Path) -> Predictor:
    manifest = read_manifest(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a row is quicker on one thread than shared among several
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        content = (folder / PREDICTOR).read_bytes()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except FileNotFoundError:
        raise BundleError(f"There is no {PREDICTOR} in the model.") from None
    except Exception as error:
        # ONNX Runtime's errors have no common class of their own.
        raise BundleError(f"The model's {PREDICTOR} cannot be read: {error}") from error
    return Predictor(manifest, session)
