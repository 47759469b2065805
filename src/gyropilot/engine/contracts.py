"""What the engine's parts promise each other: algorithms, their trained parts, and the lanes that train them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.task import Mode, ProblemType
from gyropilot.engine.tuning import Range

HOLDOUT = 255
"""The fold of rows that no model learns from."""

PLAIN, DERIVED = -2, -1
"""What a column of the prepared table is, unless it belongs to the models of one fold: `TrainingData.column_folds`."""

NODE_BYTES, LEAF_NUMBER_BYTES = 24, 16
"""What ONNX Runtime keeps for a node of a tree, and for each number of a leaf that has several."""

Parameters = Mapping[str, int | float | str | bool]
"""Settings of an algorithm: plain values, so that a record of them rebuilds a candidate."""


# --- data as algorithms see it ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The prepared table. The matrices are memory-mapped, read-only and shared by all lanes."""

    problem_type: ProblemType
    """The kind of answer."""
    class_count: int
    """How many classes; 0 for regression."""
    features: NDArray[np.float32]
    """(n, p) numbers; NaN for missing. (n, 0) for learners of codes that see derived columns. Rows may follow in both
    matrices that have no answer: an exported model must score them as its library does."""
    codes: NDArray[np.uint8]
    """(n, p) the same, quantised: `features/quantiser.py`."""
    borders: Sequence[NDArray[np.float32]]
    """The quantiser's borders of each column."""
    levels: tuple[int, ...]
    """For each column, how many categories its numbers stand for; 0: they are amounts."""
    target: NDArray[np.float64]
    """(n,) class numbers or amounts."""
    weights: NDArray[np.float64]
    """(n,) how much each row counts; all 1 unless the task has a weight column."""
    folds: NDArray[np.uint8]
    """(n,) the fold of each row; `HOLDOUT` for rows that are only scored."""
    column_folds: tuple[int, ...] = ()
    """For each column: `PLAIN`, or `DERIVED`, or the number of the fold whose models alone may see it, because it knows
    the answers of other folds. Plain columns come first. Empty: all are plain."""
    cache: dict[Any, Any] = field(default_factory=dict)
    """Where an algorithm keeps what several of its fits share within a lane."""

    @property
    def output_count(self) -> int:
        """How many raw scores a model gives for a row: one, or one for each class of more than two."""
        return self.class_count if self.problem_type is ProblemType.MULTICLASS else 1

    @property
    def has_weights(self) -> bool:
        """Whether some rows count more than others."""
        return bool((self.weights != 1).any())

    def training_rows(self, fold: int) -> NDArray[np.int64]:
        """Return the rows outside a fold that are learned from."""
        return np.flatnonzero((self.folds != fold) & (self.folds != HOLDOUT))

    def validation_rows(self, fold: int) -> NDArray[np.int64]:
        """Return the rows of a fold."""
        return np.flatnonzero(self.folds == fold)


# --- trained parts: what is left of a fit, in neutral form ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Regression trees whose leaves are summed. A row goes left when its number is missing or at most the threshold.

    A leaf adds one number to one raw score, or several numbers to as many raw scores in a row.
    """

    feature: NDArray[np.int32]
    """(nodes,) column that is asked; -1 in a leaf."""
    threshold: NDArray[np.float32]
    """(nodes,) what it is compared with; -inf asks whether the number is missing."""
    left: NDArray[np.int32]
    """(nodes,) where to go when missing or at most the threshold: a node of the same array."""
    right: NDArray[np.int32]
    """(nodes,) where to go otherwise."""
    value: NDArray[np.float32]
    """(nodes, numbers) what a leaf adds."""
    root: NDArray[np.int32]
    """(trees,) where each tree begins."""
    output: NDArray[np.int32]
    """(trees,) which raw score the first number of each tree's leaves is added to."""
    base: NDArray[np.float64]
    """(outputs,) raw scores to begin with."""

    @property
    def visits(self) -> float:
        """How many nodes one prediction asks, if trees were balanced."""
        sizes = np.diff([*self.root, len(self.feature)])
        return float(np.log2((sizes + 1) / 2).sum())

    @property
    def memory_bytes(self) -> int:
        """About how much memory ONNX Runtime keeps them in."""
        numbers = self.value.shape[1]
        leaves = int((self.feature < 0).sum()) if numbers > 1 else 0
        return int(NODE_BYTES * len(self.feature) + LEAF_NUMBER_BYTES * numbers * leaves)


@dataclass(frozen=True, kw_only=True)
class SymmetricTrees:
    """Regression trees that ask the same question everywhere on a level; their leaves are summed.

    The answers to a tree's questions, yes when the number is there and above the threshold, are the bits of its leaf's
    number, the first question's the lowest.
    """

    feature: NDArray[np.int32]
    """(trees, depth) column of each question."""
    threshold: NDArray[np.float32]
    """(trees, depth) what it is compared with; -inf asks whether the number is there, inf is never exceeded."""
    value: NDArray[np.float32]
    """(trees, 2^depth, outputs) what each leaf adds to the raw scores."""
    base: NDArray[np.float64]
    """(outputs,) raw scores to begin with."""

    @property
    def visits(self) -> float:
        """How many questions one prediction asks."""
        return float(self.feature.size)

    @property
    def memory_bytes(self) -> int:
        """About how much memory ONNX Runtime keeps them in."""
        place = np.dtype(np.int64).itemsize
        return self.feature.size * place + self.threshold.nbytes + self.value.nbytes


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear model of scaled numbers, missing marks and category marks."""

    numeric: NDArray[np.int32]
    """(a,) columns of amounts."""
    center: NDArray[np.float32]
    """(a,) what is taken off each."""
    scale: NDArray[np.float32]
    """(a,) what each is divided by."""
    limit: float
    """Scaled numbers are clipped to this distance from 0; missing ones are 0."""
    marked: NDArray[np.int32]
    """(b,) columns whose missing numbers have a weight of their own."""
    category: NDArray[np.int32]
    """(c,) columns of categories, one entry for each level that has a weight."""
    level: NDArray[np.float32]
    """(c,) the levels."""
    weights: NDArray[np.float64]
    """(a + b + c, outputs) weights."""
    intercept: NDArray[np.float64]
    """(outputs,) raw scores to begin with."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A perceptron of several layers on scaled numbers, missing marks and the embeddings of categories, in this order.

    What normalises or scales in training is multiplied into the weights.
    """

    numeric: NDArray[np.int32]
    """(a,) columns of amounts."""
    center: NDArray[np.float32]
    """(a,) what is taken off each."""
    scale: NDArray[np.float32]
    """(a,) what each is divided by; a missing amount is 0 then."""
    limit: float
    """A scaled amount z becomes z / sqrt(1 + (z / limit)²), which this limit bounds."""
    binned: NDArray[np.int32]
    """(t,) columns of amounts, one entry for each of their bins."""
    start: NDArray[np.float32]
    """(t,) where each bin begins: amounts up to there, and missing ones, give 0."""
    width: NDArray[np.float32]
    """(t,) how wide each bin is: amounts above it give 1, those within it their share of it."""
    marked: NDArray[np.int32]
    """(b,) columns whose missing numbers have a mark of their own."""
    category: NDArray[np.int32]
    """(c,) columns of categories."""
    levels: NDArray[np.int32]
    """(c,) how many levels of each have an embedding; the others count as never seen."""
    embeddings: NDArray[np.float32]
    """(sum of levels + 2, d): for each column the missing category, the one never seen, then the levels."""
    weights: tuple[NDArray[np.float32], ...]
    """Each layer's weights (inputs, outputs)."""
    biases: tuple[NDArray[np.float32], ...]
    """Each layer's offsets (outputs,)."""
    activation: str
    """What follows each layer but the last: `relu`, `selu` or `silu`."""


Part = Trees | SymmetricTrees | Linear | Network
"""One trained model: gives raw scores, which a link turns into predictions."""


class Link(StrEnum):
    """How raw scores become predictions."""

    LOGIT = "logit"
    """They are log odds, one for the positive class or one for each class; amounts are what they are."""
    IDENTITY = "identity"
    """They are probabilities, of the positive class or of each class, or amounts."""


# --- algorithms -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What an algorithm can do."""

    problem_types: frozenset[ProblemType]
    """The kinds of answers it can learn."""
    modules: tuple[str, ...]
    """What its fits import: once, before lanes are forked, or by each lane when it begins its first such fit."""
    tuning_modules: tuple[str, ...] = ()
    """What its fits import besides in the mode of tuning."""
    extra: str = ""
    """The extra of the package that brings these libraries; empty: they are always there."""
    link: Link = Link.LOGIT
    """What its raw scores mean; scores are averaged over folds as they are."""
    learns_from_codes: bool = False
    """Whether it reads codes only and leaves trees, so that it may see derived columns."""
    modes: frozenset[Mode] = frozenset({Mode.ENSEMBLING})
    """The modes that train it."""
    schedule: str = ""
    """Name of the parameter that says over how many steps training is laid out; cut short, it is worth little. Empty:
    every step may be the last."""
    limit: str = ""
    """Name of the parameter that says how many steps a training makes at most; empty: none does."""
    rate: str = ""
    """Name of the parameter that says how far a step goes, where as many steps of half the size come half as far."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Parameters that may be varied when its configurations are through and time is left; empty: none."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A set of parameters worth trying."""

    parameters: Parameters
    """The settings."""
    priority: int
    """The lower, the earlier it is tried; equal ones in the order of the catalogue."""
    strength: int
    """The higher, the better it does alone: which ones remain when only few may be tried."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a fit has come."""

    losses: tuple[float, ...]
    """Loss on the validation rows after each step that was new: log loss, or mean squared error."""
    is_finished: bool
    """Whether there is nothing more to do."""


class Fit(Protocol):
    """One model in training: one configuration on the rows outside one fold. Lives in a lane."""

    def advance(self, max_steps: int, seconds: float) -> Progress:
        """Train on, by at least one step, until that many steps or seconds are through or it is finished."""
        ...

    def predict(self, steps: int) -> NDArray[np.float64]:
        """Return the raw scores (rows, outputs) of the validation rows as they were after so many steps."""
        ...

    def score_rows(self, rows: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        """Return the raw scores (rows, outputs) of any rows, by the library's own prediction."""
        ...

    def part(self, steps: int) -> Part:
        """Return the model as it was after so many steps."""
        ...


class Algorithm(Protocol):
    """A way to learn. A suite in `gyropilot.testing.algorithms` checks each one of the catalogue.

    What all promise: the same data, parameters and seed give the same model; training uses one thread; the part gives
    the scores that the library gives, but for rounding to single precision.
    """

    name: str
    """Its name in the API."""
    abilities: Abilities
    """What it can do."""

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:
        """Return what is worth trying on a table of so many rows."""
        ...

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> Fit:
        """Begin a fit on the rows outside a fold."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A candidate that is to be trained."""

    id: str
    """Its name within the run: equal in every run of the same task."""
    algorithm: str
    """Name in the catalogue."""
    parameters: Parameters
    """The settings."""
    seed: int
    """Where its randomness starts."""
    table: str = ""
    """Which of several prepared tables it learns from, by the name of its folder; empty: there is one."""
    is_staged: bool = False
    """Whether it may be given up when a part of its training has shown that it is a poor one."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a candidate's training after which it is judged; what the last one trains is kept."""

    folds: tuple[int, ...]
    """The folds that are trained: the models of a stage are gone on with where the next one has them, too."""
    rows_share: float = 1.0
    """The share of the training rows that is learned from."""
    steps_share: float = 1.0
    """The share of its steps that a training with a limit of them makes."""


# --- lanes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LaneDied:
    """A lane ended by itself."""

    words: str
    """What it wrote last."""


class Lanes(Protocol):
    """Workers that train one thing at a time each, and can be killed. Local processes, or actors of a cluster."""

    @property
    def count(self) -> int:
        """How many there are; they are numbered from 0."""
        ...

    def send(self, lane: int, message: Any) -> None:
        """Give a lane something to do; it answers in order."""
        ...

    def receive(self, timeout_seconds: float) -> tuple[int, Any] | None:
        """Return the next answer of any lane, or its death, or None when there was none in time."""
        ...

    def is_ready_for(self, lane: int, algorithm: str) -> bool:
        """Tell whether a lane has what fits of an algorithm import, as far as it would if it was started anew."""
        ...

    def memory_bytes(self, limit: int) -> int:
        """Return what they hold together and give back when they end, as exactly as tells whether it is above a limit.

        0 where that is not known.
        """
        ...

    def restart(self, lane: int) -> None:
        """Kill a lane, if it lives, and start it anew; what it was doing is lost."""
        ...

    def close(self) -> None:
        """Kill all lanes."""
        ...


def write_part(part: Part, path: Path) -> None:
    """Store a part as plain arrays (`.npz`, no pickle)."""
    arrays: dict[str, Any] = {"kind": np.array(type(part).__name__)}
    for name, value in vars(part).items():
        several = {f"{name}.{number}": each for number, each in enumerate(value)} if isinstance(value, tuple) else {}
        arrays |= several or {name: np.asarray(value)}
    np.savez(path, **arrays)


def read_part(path: Path) -> Part:
    """Read a part that `write_part` stored."""
    fields: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            name, _, number = key.partition(".")
            value = arrays[key] if arrays[key].ndim else arrays[key].item()
            fields[name] = (*fields.get(name, ()), value) if number else value
    kinds: dict[str, type[Part]] = {kind.__name__: kind for kind in (Trees, SymmetricTrees, Linear, Network)}
    return kinds[fields.pop("kind")](**fields)
