"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gyropilot.engine.tuning import Pipeline, Recommendation


class Phase(StrEnum):
    """The steps of a run, in order."""

    ANALYZING = "analyzing"
    PREPARING = "preparing"
    TRAINING = "training"
    FINISHING = "finishing"


class Severity(StrEnum):
    """How much something found in the data matters."""

    HIGH = "high"
    """A model of this data may be of no use."""
    MEDIUM = "medium"
    """Models or their scores may be worse than they could be."""
    LOW = "low"
    """It is good to know."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about the data that its owner should know."""

    severity: Severity
    """How much it matters."""
    message: str
    """What is so."""
    remedy: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric's value for unseen rows."""

    metric: str
    """Name in the metrics catalogue."""
    value: float
    """The figure in the metric's own unit and direction."""
    higher_is_better: bool
    """The direction."""


@dataclass(frozen=True, kw_only=True)
class CandidateResult:
    """A finished candidate."""

    id: str
    """Name within the run, such as `c03`; equal in every run of the same plan."""
    algorithm: str
    """Name in the algorithms catalogue, or `weighted-ensemble`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The settings that rebuild it: hyperparameters, rounds, weights."""
    pipeline: str = ""
    """In tuning, the name of its pipeline."""
    recipe: tuple[str, ...] = ()
    """In tuning, the steps of its pipeline's recipe, in order."""
    objective: Score
    """The metric that ranks candidates, estimated for unseen rows."""
    scores: tuple[Score, ...]
    """Every metric of the problem type, estimated for unseen rows."""
    part_scores: tuple[tuple[Score, ...], ...] = ()
    """Every metric on each part of these rows: the folds, or parts of the held-out rows."""
    part_losses: tuple[float, ...] = ()
    """The objective, turned so that less is better, on each part of the rows that it is scored on."""
    fit_seconds: float
    """Seconds of lane time spent on it."""
    latency_seconds: float
    """Median time of one prediction of one row in process."""
    node_visits: float = 0.0
    """How many nodes of trees one prediction asks: what latency grows with, and equal on every machine."""
    tree_bytes: int = 0
    """About how much memory its trees take where they are asked."""
    size_bytes: int = 0
    """How large its bundle is."""
    folder: Path
    """Where its bundle lies."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, kw_only=True)
class PhaseBegan(Event):
    """The run went on to another phase."""

    phase: Phase


@dataclass(frozen=True, kw_only=True)
class DataRead(Event):
    """The data was read and understood."""

    rows: int
    """Rows with a target."""
    columns: int
    """Feature columns."""
    folds: int
    """How many parts of the table a candidate's models are trained for; 1: one part is held out."""
    problem_type: str
    """The problem type, given or inferred."""
    objective: str
    """The metric that ranks candidates, given or default."""


@dataclass(frozen=True, kw_only=True)
class Found(Event):
    """Something about the data or the run that its owner should know."""

    message: str


@dataclass(frozen=True, kw_only=True)
class CandidateStarted(Event):
    """Training of a candidate began."""

    id: str
    algorithm: str
    parameters: Mapping[str, Any]
    pipeline: str = ""
    """In tuning, the name of its pipeline."""


@dataclass(frozen=True, kw_only=True)
class CandidateFinished(Event):
    """A candidate can be used."""

    result: CandidateResult
    is_best: bool
    """Whether it is the best so far."""


@dataclass(frozen=True, kw_only=True)
class CandidateFailed(Event):
    """A candidate failed, or was given up; the run goes on."""

    id: str
    algorithm: str
    reason: str
    was_stopped: bool = False
    """Whether it was given up for lack of time rather than for an error."""


@dataclass(frozen=True, kw_only=True)
class CandidateStopped(Event):
    """A trial was not gone on with because a part of its training showed that it is a poor one; there is no model."""

    id: str
    algorithm: str
    parameters: Mapping[str, Any]
    pipeline: str
    """The name of its pipeline."""
    reason: str
    loss: Score
    """The metric that training minimises, on what it was judged by."""
    fit_seconds: float
    """Seconds of lane time spent on it."""


@dataclass(frozen=True, kw_only=True)
class PipelinesChosen(Event):
    """It is known which pipelines are tuned."""

    recommendation: Recommendation
    """The pipelines, the ranges that are searched, and what is known of the table."""
    max_trials: int
    """How many trials there will be at most."""


@dataclass(frozen=True, kw_only=True)
class PipelinePrepared(Event):
    """The recipe of a pipeline was fitted and applied; its trials follow."""

    pipeline: Pipeline
    columns: int
    """How many numbers it makes of a row."""
    fit_seconds: float
    """How long fitting the recipe took."""
    transform_seconds: float
    """How long applying it to all rows took; 0 where another pipeline of the same recipe had done it."""
    folder: Path
    """Where the stages around its algorithm lie (`bundle/stages.py`): cells to numbers, and class numbers to labels."""


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The run ended; nothing follows."""

    best: CandidateResult
    """The one to use; of tuning, by two cross-validations: another may show a better objective in its search."""
    candidates: tuple[CandidateResult, ...]
    """All finished ones: the best, then the others by their objective."""
    expected: float
    """The best candidate's objective less the advantage of having been chosen by it: what new rows will show."""
    reason: str
    """`portfolio`, `deadline`, `max_candidates`, `saturated` or `stopped`."""
