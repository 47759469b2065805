"""What candidate definitions tell of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gyropilot.engine.contracts import Plan
from gyropilot.engine.task import Task
from gyropilot.engine.tuning import Pipeline, Space
from gyropilot.service.records import AutoMLJob
from gyropilot.worker.artifacts import CLASSIFICATION_ENVIRONMENT


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A job, and what would be tried on its data."""

    job: AutoMLJob
    """The job: its name, its data and its limits."""
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
    image: str
    """The image that serves models."""
    pipelines: tuple[Pipeline, ...] = ()
    """Of a job of tuning, its pipelines."""
    spaces: Mapping[str, Space] = field(default_factory=dict)
    """And for each of their algorithms what is tuned."""
    trials: tuple[Plan, ...] = ()
    """Of a job of ensembling, its portfolio."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What models are served with."""
        assert self.task.problem_type is not None, "known once the data was read"
        return CLASSIFICATION_ENVIRONMENT if self.task.problem_type.is_classification else {}
