"""What a model does in turn: cells to numbers, numbers to predictions, class numbers to labels.

A predictor does all three. `split_bundle` writes each as a folder of its own, for containers that do one: what they
answer one after the other is what the predictor answers. Needs numpy, ONNX Runtime and msgspec; no training library.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gyropilot.engine.budget import count_cores
from gyropilot.engine.bundle.archive import unpack
from gyropilot.engine.bundle.manifest import PREDICTOR, Manifest, read_manifest
from gyropilot.engine.bundle.operators import check_operators
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.engine.features.documents import read_content, read_document, write_document
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.files import writing
from gyropilot.engine.task import LabelType, ProblemType

FEWEST_ROWS_AT_ONCE = 256
"""Fewer rows are not worth a thread of their own."""
MOST_ROWS_AT_ONCE = 4096
"""Networks keep several hundred numbers for each row that is predicted at once."""
MOST_NUMBERS = 1 << 19
"""Symmetric trees keep thousands for each row; more numbers than this at once do not fit into the processor's cache."""
STAGE, ARRAYS = "stage.json", "stage.npz"


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that all models of the process share; ONNX Runtime works without Python's lock."""
    return ThreadPoolExecutor(count_cores(), thread_name_prefix="predict")


class FeatureStage(msgspec.Struct, frozen=True, kw_only=True, tag="features", tag_field="stage"):
    """Turns rows of cells into rows of numbers."""

    encoder: TableEncoder
    target_position: int
    """Where the target stood among all columns of the training table."""
    weight_position: int | None = None
    """Where the weight column stood, if there was one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have, in order."""
        return self.encoder.columns

    def encode(self, rows: Sequence[Sequence[Cell]]) -> NDArray[np.float32]:
        """Return rows of cells in the order of `columns` as (n, numbers); an empty cell is a missing one.

        A row with more cells is taken to hold, at their places in the training table, what is no feature: the target,
        or, of a model with row weights, the weight, or both.

        Raises:
            RequestError: when a row has another number of cells.
        """
        expected = len(self.columns)
        return self.encoder.encode_rows(
            [row if len(row) == expected else self._without_extras(row, expected) for row in rows]
        )

    def _without_extras(self, row: Sequence[Cell], expected: int) -> Sequence[Cell]:
        extras = self._extras().get(len(row) - expected)
        if extras is None:
            raise RequestError(
                f"Received data of unknown size. Expected number of columns is {expected}. "
                f"Number of columns in the received data is {len(row)}."
            )
        return [cell for position, cell in enumerate(row) if position not in extras]

    def _extras(self) -> dict[int, frozenset[int]]:
        """Return, for each number of surplus cells, where they stand in a row."""
        target, weight = self.target_position, self.weight_position
        if weight is None:
            return {1: frozenset({target})}
        return {1: frozenset({weight - (target < weight)}), 2: frozenset({target, weight})}


class AlgorithmFacts(msgspec.Struct, frozen=True, kw_only=True, tag="algorithm", tag_field="stage"):
    """What is said of an algorithm's graph."""

    problem_type: ProblemType
    decision: tuple[float, ...] = ()
    """A factor for each class: the largest product with its probability wins. Empty: the most probable class."""
    numbers_per_row: int = 0
    """How many numbers the graph keeps for a row at once, where they are many."""


class AlgorithmStage:
    """Turns rows of numbers into probabilities, or amounts; safe to use from several threads."""

    def __init__(self, facts: AlgorithmFacts, session: onnxruntime.InferenceSession) -> None:
        self.facts = facts
        self._session = session
        self._decision = np.array(facts.decision, dtype=np.float32) if facts.decision else None

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on encoded rows (n, features): (n, classes) probabilities or (n, 1) amounts."""
        if len(features) < 2 * FEWEST_ROWS_AT_ONCE:
            return self._run_part(features)
        share = -(-len(features) // count_cores())
        most = MOST_NUMBERS // max(self.facts.numbers_per_row, MOST_NUMBERS // MOST_ROWS_AT_ONCE)
        size = min(max(share, FEWEST_ROWS_AT_ONCE), max(most, 1))
        parts = [features[first : first + size] for first in range(0, len(features), size)]
        return np.concatenate(list(_threads().map(self._run_part, parts)))

    def _run_part(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        predictions: NDArray[np.float32] = self._session.run(None, {"features": features})[0]
        return predictions

    def choose_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the number of the class that is decided for in each row of (n, classes) probabilities."""
        decided = probabilities if self._decision is None else probabilities * self._decision
        chosen: NDArray[np.intp] = decided.argmax(axis=1)
        return chosen


class LabelStage(msgspec.Struct, frozen=True, kw_only=True, tag="labels", tag_field="stage"):
    """Turns numbers of classes into labels."""

    classes: tuple[str, ...]
    """Labels in the order of the probabilities."""
    label_type: LabelType = LabelType.TEXT
    """What the labels were in the training data."""

    def name_classes(self, numbers: NDArray[np.intp]) -> tuple[str, ...]:
        """Return the labels of class numbers.

        Raises:
            RequestError: when there is no class of a number.
        """
        strangers = [number for number in numbers.tolist() if not 0 <= number < len(self.classes)]
        if strangers:
            raise RequestError(f"There is no class {strangers[0]}; there are 0 to {len(self.classes) - 1}.")
        return tuple(self.classes[number] for number in numbers.tolist())


def features_of(manifest: Manifest) -> FeatureStage:
    """Return the first stage of a model."""
    return FeatureStage(
        encoder=manifest.encoder,
        target_position=manifest.target_position,
        weight_position=manifest.weight_position,
    )


def facts_of(manifest: Manifest) -> AlgorithmFacts:
    """Return what is said of the second stage of a model."""
    return AlgorithmFacts(
        problem_type=manifest.problem_type, decision=manifest.decision, numbers_per_row=manifest.numbers_per_row
    )


def split_bundle(bundle: Path, folder: Path) -> tuple[Path, ...]:
    """Write the stages of a bundle below a folder and return where they are: two, or three of a classification.

    Raises:
        BundleError: when it is no bundle.
    """
    manifest = read_manifest(bundle)
    places = tuple(folder / name for name in ("features", "algorithm", "labels"))
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    features, algorithm, labels = places
    with writing(algorithm / PREDICTOR) as partial:
        partial.write_bytes(_read_graph(bundle))
    write_document(facts_of(manifest), algorithm / STAGE, algorithm / ARRAYS)
    write_document(features_of(manifest), features / STAGE, features / ARRAYS)
    if not manifest.classes:
        labels.rmdir()
        return places[:2]
    table = LabelStage(classes=manifest.classes, label_type=manifest.label_type)
    write_document(table, labels / STAGE, labels / ARRAYS)
    return places


def open_stage(path: Path) -> FeatureStage | AlgorithmStage | LabelStage:
    """Open a folder that `split_bundle` wrote, or the archive of one.

    Raises:
        BundleError: when it is none.
    """
    if path.is_dir():
        return _open(path)
    with tempfile.TemporaryDirectory(prefix="gyropilot-stage-") as name:
        unpack(path, Path(name))
        return _open(Path(name))


def _open(folder: Path) -> FeatureStage | AlgorithmStage | LabelStage:
    try:
        content = read_content(folder / STAGE)
        kinds = FeatureStage | AlgorithmFacts | LabelStage
        stage: FeatureStage | AlgorithmFacts | LabelStage = read_document(content, folder / ARRAYS, kinds)  # type: ignore[arg-type]  # a union is no type
    except (msgspec.MsgspecError, OSError, ValueError) as error:
        raise BundleError(f"The stage's {STAGE} cannot be read: {error}") from error
    return AlgorithmStage(stage, open_session(folder)) if isinstance(stage, AlgorithmFacts) else stage


def open_session(folder: Path) -> onnxruntime.InferenceSession:
    """Open the graph of a bundle, or of its second stage.

    Raises:
        BundleError: when there is none that can be read.
    """
    graph = _read_graph(folder)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # no other is checked
    options.intra_op_num_threads = 1  # a row is quicker on one thread than shared among several
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        check_operators(graph)
        del graph
        # From the file: a session keeps the bytes that it is given.
        return onnxruntime.InferenceSession(folder / PREDICTOR, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # ONNX Runtime's errors have no common class of their own.
        raise BundleError(f"The model's {PREDICTOR} cannot be read: {error}") from error


def _read_graph(folder: Path) -> bytes:
    try:
        return (folder / PREDICTOR).read_bytes()
    except FileNotFoundError:
        raise BundleError(f"There is no {PREDICTOR} in the model.") from None
