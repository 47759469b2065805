"""What candidate definitions tell of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gyropilot.engine.contracts import Plan
from gyropilot.engine.task import Task
from gyropilot.engine.tuning import Pipeline, Space


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A job, and what would be tried on its data."""

    job: str
    """The job's name."""
    task: Task
    """What is learned, in one of the modes, with the problem type and the objective that were found."""
    classes: tuple[str, ...] = ()
    """The labels; empty for regression."""
    rows: int
    """Rows that are learned from."""
    columns: int
    """Feature columns that are learned from."""
    folds: int
    """How many parts of the rows are held out in turn."""
    findings: tuple[str, ...] = ()
    """What the data's owner should know."""
    data_uri: str
    """Where the training data lies."""
    validation_uri: str = ""
    """Where rows lie that candidates are only scored on, or nothing."""
    data_format: str = "csv"
    """`csv` or `parquet`."""
    compression: str = ""
    """`gzip`, or nothing."""
    max_candidates: int | None = None
    """How many candidates the job may make."""
    max_runtime_seconds: float | None = None
    """How long the job may run."""
    image: str
    """The image that serves models."""
    environment: Mapping[str, str]
    """The environment that it serves them with."""
    pipelines: tuple[Pipeline, ...] = ()
    """Of a job of tuning, its pipelines."""
    spaces: Mapping[str, Space] = field(default_factory=dict)
    """And for each of their algorithms what is tuned."""
    trials: tuple[Plan, ...] = ()
    """Of a job of ensembling, its portfolio."""
