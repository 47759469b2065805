"""What a model does in turn: cells to numbers, numbers to predictions, class numbers to labels.

A predictor does all three. In stages they are in two folders, for containers that do one each: what they answer one
after the other is what the predictor answers. The first and the last stage follow from the recipe, and are the same for
all models of a pipeline; the second is the algorithm. Needs numpy, ONNX Runtime and msgspec; no training library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.archive import unpacked
from gyropilot.engine.bundle.manifest import Manifest, Origin
from gyropilot.engine.bundle.running import Graph, open_graph
from gyropilot.engine.errors import BundleError, RequestError
from gyropilot.engine.features.documents import read_content, read_document
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.metrics.intervals import find_bounds
from gyropilot.engine.task import LabelType, ProblemType

FEATURES, ALGORITHM, LABELS = "features", "algorithm", "labels"
"""Names of the stages, in order; each is a document of its name."""


S = TypeVar("S")


class FeatureStage(msgspec.Struct, frozen=True, kw_only=True, tag=FEATURES, tag_field="stage"):
    """Turns rows of cells into rows of numbers."""

    encoder: TableEncoder
    target: str
    """The column that is predicted: it may be among the cells."""
    target_position: int
    """Where the target stood among all columns of the training table."""
    weight_position: int | None = None
    """Where the weight column stood, if there was one."""
    weight_column: str = ""
    """The name of that column."""

    @property
    def other_names(self) -> frozenset[str]:
        """The columns of the training table that are no features: the target, and the weight if there was one."""
        return frozenset({self.target, self.weight_column} - {""})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have, in order."""
        return self.encoder.columns

    @property
    def width(self) -> int:
        """How many numbers it makes of a row."""
        return len(self.encoder.features)

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


class AlgorithmFacts(msgspec.Struct, frozen=True, kw_only=True, tag=ALGORITHM, tag_field="stage"):
    """What is said of an algorithm's graph."""

    problem_type: ProblemType
    decision: tuple[float, ...] = ()
    """A factor for each class: the largest product with its probability wins. Empty: the most probable class."""
    numbers_per_row: int = 0
    """How many numbers the graph keeps for a row at once, where they are many."""
    residual_quantiles: tuple[float | None, ...] = ()
    """Of a regression, what prediction intervals are made of, as in a manifest."""
    origin: Origin
    """How the model came to be, as in a manifest."""


class AlgorithmStage:
    """Turns rows of numbers into probabilities, or amounts; safe to use from several threads."""

    def __init__(self, facts: AlgorithmFacts, graph: Graph) -> None:
        self.facts = facts
        self._graph = graph
        self._decision = np.array(facts.decision, dtype=np.float32) if facts.decision else None

    @property
    def class_numbers(self) -> tuple[str, ...]:
        """The numbers of the classes as text; empty for regression."""
        if not self.facts.problem_type.is_classification:
            return ()
        return tuple(map(str, range(self._graph.outputs)))

    @property
    def width(self) -> int:
        """How many numbers a row must have."""
        return self._graph.width

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on encoded rows (n, features): (n, classes) probabilities or (n, 1) amounts."""
        return self._graph.run(features)

    def choose_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the number of the class that is decided for in each row of (n, classes) probabilities."""
        decided = probabilities if self._decision is None else probabilities * self._decision
        chosen: NDArray[np.intp] = decided.argmax(axis=1)
        return chosen

    def find_bounds(self, values: NDArray[np.float32], level: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the least and the greatest amount that an answer is, with a probability of `level` or more.

        Args:
            values: (n,) predicted amounts.
            level: such as 0.9; it holds over all rows together, not for each kind of row.

        Raises:
            RequestError: when the model is no regression, or does not know.
        """
        if self.facts.problem_type.is_classification:
            raise RequestError("Only regressions have prediction intervals; this model predicts classes.")
        try:
            low, high = find_bounds(self.facts.residual_quantiles, level)
        except ValueError as error:
            raise RequestError(f"There is no prediction interval: {error}.") from None
        return values + np.float32(low), values + np.float32(high)


class LabelStage(msgspec.Struct, frozen=True, kw_only=True, tag=LABELS, tag_field="stage"):
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


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The stages that a folder or an archive holds."""

    features: FeatureStage | None = None
    algorithm: AlgorithmStage | None = None
    labels: LabelStage | None = None


class Described(Protocol):
    """What is known of a table's cells and labels; the manifest of a model has it."""

    @property
    def encoder(self) -> TableEncoder:
        """How cells become numbers."""
        ...

    @property
    def target(self) -> str:
        """The column that is predicted."""
        ...

    @property
    def target_position(self) -> int:
        """Where it stood."""
        ...

    @property
    def weight_position(self) -> int | None:
        """Where the weight column stood, if there was one."""
        ...

    @property
    def weight_column(self) -> str:
        """The name of that column."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities; empty for regression."""
        ...

    @property
    def label_type(self) -> LabelType:
        """What the labels were in the training data."""
        ...


def features_of(described: Described) -> FeatureStage:
    """Return the first stage of a model."""
    return FeatureStage(
        encoder=described.encoder,
        target=described.target,
        target_position=described.target_position,
        weight_position=described.weight_position,
        weight_column=described.weight_column,
    )


def facts_of(manifest: Manifest) -> AlgorithmFacts:
    """Return what is said of the second stage of a model."""
    return AlgorithmFacts(
        problem_type=manifest.problem_type,
        decision=manifest.decision,
        numbers_per_row=manifest.numbers_per_row,
        residual_quantiles=manifest.residual_quantiles,
        origin=Origin(**{name: getattr(manifest, name) for name in Origin.__struct_fields__}),
    )


def labels_of(described: Described) -> LabelStage | None:
    """Return the last stage of a classification; None: it is none."""
    return LabelStage(classes=described.classes, label_type=described.label_type) if described.classes else None


def open_stages(path: Path) -> Stages:
    """Open a folder that `split_bundle` or `write_processor` wrote, or the archive of one.

    Raises:
        BundleError: when there is no stage in it.
    """
    with unpacked(path) as folder:
        return _open(folder)


def holds_stages(folder: Path) -> bool:
    """Tell whether a folder has stages rather than a whole model."""
    return any((folder / f"{name}.json").exists() for name in (FEATURES, ALGORITHM, LABELS))


def _open(folder: Path) -> Stages:
    facts = _read(ALGORITHM, folder, AlgorithmFacts)
    stages = Stages(
        features=_read(FEATURES, folder, FeatureStage),
        algorithm=AlgorithmStage(facts, open_graph(folder, facts.numbers_per_row)) if facts else None,
        labels=_read(LABELS, folder, LabelStage),
    )
    if stages == Stages():
        raise BundleError(f"There is no stage of a model: none of {FEATURES}.json, {ALGORITHM}.json, {LABELS}.json.")
    return stages


def _read(name: str, folder: Path, kind: type[S]) -> S | None:
    path = folder / f"{name}.json"
    try:
        return read_document(read_content(path), folder / f"{name}.npz", kind) if path.exists() else None
    except (msgspec.MsgspecError, OSError, ValueError) as error:
        raise BundleError(f"The stage's {path.name} cannot be read: {error}") from error
