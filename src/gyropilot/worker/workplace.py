"""What a worker has at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gyropilot.engine.budget import count_cores
from gyropilot.service.identity import Identity
from gyropilot.service.jobs import JobService
from gyropilot.service.models import ModelService
from gyropilot.service.ports import BlobStore, Clock
from gyropilot.service.quotas import PROFILES
from gyropilot.service.records import AutoMLJob, Job, TrainingJob, TransformJob
from gyropilot.service.service import now
from gyropilot.service.trainings import TrainingService
from gyropilot.service.transforms import TransformService
from gyropilot.settings import Settings
from gyropilot.storage.open import Stores

FOLDERS: Mapping[type[Job], str] = {AutoMLJob: "jobs", TrainingJob: "trainings", TransformJob: "transforms"}
"""Where the jobs of each kind have their folders."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """The stores and the share of the machine that one job has."""

    jobs: JobService
    """Where the progress of AutoML jobs is told."""
    trainings: TrainingService
    """Where the progress of training jobs is told."""
    transforms: TransformService
    """Where the progress of transform jobs is told."""
    models: ModelService
    """Where models are created."""
    blobs: BlobStore
    """Where data comes from and models go to."""
    identity: Identity
    """Account and region."""
    folder: Path
    """The state folder; each kind of jobs has one below, where they keep their files while they are open."""
    cores: int
    """How many lanes may train at once."""
    lease_seconds: float
    """How long the worker may be silent."""
    writes_reports: bool = True
    """Whether jobs write the reports that people read."""
    clock: Clock = now
    """Gives the time."""

    def folder_of(self, job: Job) -> Path:
        """Return the folder of one job; job names ignore case, so does the folder."""
        return self.folder / FOLDERS[type(job)] / job.name.lower()


def open_workplace(settings: Settings, stores: Stores) -> Workplace:
    """Return the workplace that the settings describe."""
    jobs = JobService(
        records=stores.records,
        blobs=stores.blobs,
        headers=stores.headers,
        logs=stores.logs,
        clock=now,
        quotas=PROFILES[settings.quotas],
    )
    transforms = TransformService(
        records=stores.records, blobs=stores.blobs, data=jobs.data, logs=stores.logs, clock=now
    )
    return Workplace(
        jobs=jobs,
        trainings=TrainingService(records=stores.records, jobs=jobs, logs=stores.logs, clock=now),
        transforms=transforms,
        models=ModelService(records=stores.records, blobs=stores.blobs, clock=now),
        blobs=stores.blobs,
        identity=Identity(account_id=settings.account_id, region=settings.region),
        folder=settings.home,
        cores=settings.worker_cores or max(1, count_cores() // settings.max_running_jobs),
        lease_seconds=settings.lease_seconds,
        writes_reports=settings.reports == "all",
    )
