"""The parts of tuning that AWS runs as jobs of their own: they are shown, but neither started nor stopped alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from gyropilot.service.records import Record
from gyropilot.service.states import JobStatus


@dataclass(frozen=True, kw_only=True)
class TuningPart(Record):
    """One part of the work on an AutoML job, which is its parent. It begins when it is made."""

    resource: ClassVar[str]
    """The kind's word in ARNs."""
    log_group: ClassVar[str]
    """The log group of its kind."""

    status: JobStatus = JobStatus.IN_PROGRESS
    """Where it stands."""
    ended_at: datetime | None = None
    """When it reached a final status."""
    failure_reason: str = ""
    """Why it failed."""

    @property
    def state(self) -> str:
        """Its status."""
        return self.status.value


@dataclass(frozen=True, kw_only=True)
class ProcessingPart(TuningPart):
    """Reading and understanding the data, or choosing pipelines for it."""

    kind: ClassVar[str] = "processing job"
    resource: ClassVar[str] = "processing-job"
    log_group: ClassVar[str] = "/aws/sagemaker/ProcessingJobs"


@dataclass(frozen=True, kw_only=True)
class PipelineFit(TuningPart):
    """Fitting the recipe of a pipeline."""

    kind: ClassVar[str] = "fit of a pipeline"
    resource: ClassVar[str] = "training-job"
    log_group: ClassVar[str] = "/aws/sagemaker/TrainingJobs"

    pipeline: str
    """Such as `dpp0`."""
    algorithm: str
    """Name in the engine's catalogue."""
    recipe: tuple[str, ...]
    """Names of its steps, in order."""
    columns: int
    """How many numbers it makes of a row."""
    model_data_url: str
    """`s3://` location of the archive that turns cells into numbers."""


@dataclass(frozen=True, kw_only=True)
class PipelineTransform(TuningPart):
    """Applying the recipe of a pipeline to all rows."""

    kind: ClassVar[str] = "transform of a pipeline"
    resource: ClassVar[str] = "transform-job"
    log_group: ClassVar[str] = "/aws/sagemaker/TransformJobs"

    pipeline: str
    """Such as `dpp0`."""
    model: str
    """Name of the model that does the same for other rows."""


@dataclass(frozen=True, kw_only=True)
class TunedParameter:
    """A hyperparameter and what it may be."""

    name: str
    """The algorithm's name of it."""
    low: float = 0.0
    high: float = 0.0
    """The bounds of a range."""
    is_whole: bool = False
    """Whether only whole numbers are in the range."""
    is_logarithmic: bool = False
    """Whether twice as much is the same step everywhere."""
    values: tuple[str, ...] = ()
    """What it may be where that is no range."""


@dataclass(frozen=True, kw_only=True)
class TunedPipeline:
    """A pipeline of a tuning job."""

    name: str
    """Such as `dpp0`."""
    algorithm: str
    """Name in the engine's catalogue."""
    recipe: tuple[str, ...]
    """Names of its steps, in order."""
    parameters: tuple[TunedParameter, ...]
    """What is tuned."""


@dataclass(frozen=True, kw_only=True)
class TuningJob(TuningPart):
    """The search over pipelines and hyperparameters. Its training jobs are the candidates."""

    kind: ClassVar[str] = "hyperparameter tuning job"
    resource: ClassVar[str] = "hyper-parameter-tuning-job"
    log_group: ClassVar[str] = "/aws/sagemaker/TuningJobs"

    pipelines: tuple[TunedPipeline, ...]
    """What is tuned."""
    max_candidates: int
    """How many trials there are at most."""


TUNING_PARTS: tuple[type[TuningPart], ...] = (ProcessingPart, PipelineFit, PipelineTransform, TuningJob)
"""Every kind of part."""
