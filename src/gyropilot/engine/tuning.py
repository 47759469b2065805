"""What may be said of hyperparameter tuning: pipelines, ranges, and trials to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gyropilot.engine.errors import TaskError

MAX_PIPELINES = 10


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers that a parameter may take when a configuration is varied."""

    low: float
    high: float
    is_whole: bool = False
    """Whether only whole numbers make sense."""
    is_logarithmic: bool = True
    """Whether twice as much is the same step everywhere."""

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise TaskError(f"a range must not end below its beginning: {self.low:g} to {self.high:g}")
        if self.is_logarithmic and not self.low > 0 and self.low != self.high:
            raise TaskError(f"a logarithmic range must begin above 0, not at {self.low:g}")

    @property
    def middle(self) -> float:
        """Where a parameter starts that a configuration leaves out."""
        return (self.low * self.high) ** 0.5 if self.is_logarithmic else (self.low + self.high) / 2


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The values that a parameter may take where they have no order."""

    values: tuple[str | int | float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise TaskError("a choice must have at least one value")


Space = Mapping[str, Range | Choice]
"""The parameters of an algorithm that are tuned, and what each may be."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A recipe of named steps that turn cells into numbers, and the algorithm that learns from these."""

    name: str
    """Such as `dpp0`."""
    algorithm: str
    """Name in the algorithms catalogue."""
    recipe: tuple[str, ...]
    """Names of the steps, in order: `features/recipes/catalogue.py`."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise TaskError(f"a pipeline's name must be letters, digits and underscores, not {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What tuning would try, and what is known of the table."""

    pipelines: tuple[Pipeline, ...]
    """The pipelines, in the order of their names."""
    spaces: Mapping[str, Space]
    """For each algorithm by name, the parameters that are tuned."""
    problem_type: str
    """Given or inferred."""
    objective: str
    """The metric that ranks candidates, given or default."""
    rows: int
    """Rows that are learned from."""
    columns: int
    """Feature columns that are learned from."""
    findings: tuple[str, ...]
    """What the data's owner should know."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A pipeline with all its hyperparameters."""

    pipeline: str
    """Name of the pipeline."""
    parameters: Mapping[str, str | int | float]
    """A value for each parameter of the pipeline's space; what is left out has its usual value."""
    seed: int | None = None
    """Where the randomness of its training starts; None: that follows from the number of the trial."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What is tuned, where that is not left to the table."""

    pipelines: tuple[Pipeline, ...] = ()
    """The pipelines that are tuned, at most ten; empty: those that suit the table."""
    ranges: Mapping[str, Mapping[str, Range | Choice]] = field(default_factory=dict)
    """For algorithms by name: what parameters may be, over the usual ranges."""
    first: tuple[Trial, ...] = ()
    """Trials that come before all others."""
    stops_early: bool = True
    """Whether trials are given up that are poor ones on a fold or, on long tables, on a part of rows and rounds."""

    def __post_init__(self) -> None:
        names = [pipeline.name for pipeline in self.pipelines]
        if len(names) > MAX_PIPELINES:
            raise TaskError(f"there may be at most {MAX_PIPELINES} pipelines, not {len(names)}")
        if len(set(names)) < len(names):
            raise TaskError(f"pipelines must have different names, not {', '.join(names)}")
        strangers = [trial.pipeline for trial in self.first if names and trial.pipeline not in names]
        if strangers:
            raise TaskError(f"There is no pipeline {strangers[0]!r}; there are {', '.join(names)}.")
