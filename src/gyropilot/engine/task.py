"""What is to be learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gyropilot.engine.errors import TaskError
from gyropilot.engine.tuning import Tuning


class Mode(StrEnum):
    """How a model is looked for."""

    ENSEMBLING = "ensembling"
    """Configurations of all algorithms that are known to be good, and an ensemble of them."""
    HYPERPARAMETER_TUNING = "hyperparameter_tuning"
    """A search over pipelines, each a recipe and an algorithm, and their hyperparameters."""
    AUTO = "auto"
    """Ensembling below 100 MB of data, tuning from there on."""


class ProblemType(StrEnum):
    """The kind of answer that is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether the answer is a class."""
        return self is not ProblemType.REGRESSION


class LabelType(StrEnum):
    """What the labels of a classification are, which are kept as text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class ColumnKind(StrEnum):
    """How a column's cells are understood."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATETIME = "datetime"
    SEQUENCE = "sequence"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be learned from a table."""

    target: str
    """The column to predict."""
    problem_type: ProblemType | None = None
    """The kind of answer; None: inferred from the target."""
    objective: str = ""
    """Name of the metric that ranks candidates; empty: the problem type's default."""
    mode: Mode = Mode.ENSEMBLING
    """How a model is looked for."""
    algorithms: tuple[str, ...] = ()
    """Names of the algorithms that may be used; empty: all of the mode."""
    tuning: Tuning = field(default_factory=Tuning)
    """What is tuned, in the mode of that."""
    weight_column: str = ""
    """A column of numbers, at least 0, that says how much each row counts; it is no feature. Empty: all count alike."""
    features: tuple[str, ...] = ()
    """The columns that are learned from; empty: all. Rows for prediction have the others nevertheless."""
    validation_fraction: float | None = None
    """Share of the rows, above 0 and below 1, that candidates are only scored on; None: scores are cross-validated."""
    column_kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    """Kinds of columns, over what is inferred."""
    seed: int = 0
    """Where randomness starts: folds, samples, initial weights."""

    def __post_init__(self) -> None:
        if self.tuning != Tuning() and self.mode is Mode.ENSEMBLING:
            raise TaskError("tuning says what is tuned, which is nothing in the mode of ensembling")
        if self.mode is Mode.AUTO and self.algorithms:
            raise TaskError("algorithms must not be named when the mode is auto: the modes have different ones")
        if self.validation_fraction is not None and not 0 < self.validation_fraction < 1:
            raise TaskError(f"validation_fraction must be above 0 and below 1, not {self.validation_fraction}")
        if self.weight_column and self.weight_column == self.target:
            raise TaskError(f"The weight column {self.weight_column!r} is the target; it must be another column.")
        for name in (*self.features, *self.column_kinds):
            if name == self.target or (self.weight_column and name == self.weight_column):
                raise TaskError(f"The column {name!r} is the target or the weight column; it is no feature.")
        surplus = [name for name in self.column_kinds if self.features and name not in self.features]
        if surplus:
            raise TaskError(f"column_kinds names columns that are not among the features: {surplus[:5]}.")
