"""The service as one object: what the API calls and the server runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gyropilot.service.endpoints import EndpointConfigService, EndpointService
from gyropilot.service.identity import Identity
from gyropilot.service.job_keeper import JobKeeper
from gyropilot.service.job_queue import JobQueue
from gyropilot.service.jobs import JobService
from gyropilot.service.model_servers import ModelServers
from gyropilot.service.models import ModelService
from gyropilot.service.ports import BlobStore, Clock, HeaderReader, Launcher, LogStore, ModelClient, RecordStore
from gyropilot.service.quotas import PROFILES, Quotas
from gyropilot.service.supervisor import Book, Supervisor
from gyropilot.service.tags import TagService
from gyropilot.service.trainings import TrainingService
from gyropilot.service.transforms import TransformService


def now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much runs at once, how often a job is tried and how much it may ask for."""

    max_running_jobs: int = 1
    """How many jobs of a queue run at once."""
    max_attempts: int = 3
    """How many workers may die over one job."""
    quotas: Quotas = PROFILES["generous"]
    """How much a job may ask for."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything the API can ask for."""

    identity: Identity
    jobs: JobService
    trainings: TrainingService
    transforms: TransformService
    models: ModelService
    endpoint_configs: EndpointConfigService
    endpoints: EndpointService
    tags: TagService
    blobs: BlobStore
    logs: LogStore
    supervisor: Supervisor
    book: Book


def build_service(
    *,
    identity: Identity,
    records: RecordStore,
    blobs: BlobStore,
    headers: HeaderReader,
    logs: LogStore,
    launcher: Launcher,
    client: ModelClient,
    folder: Path,
    limits: Limits | None = None,
    clock: Clock = now,
) -> Service:
    """Put the service together from its adapters.

    Args:
        identity: account and region.
        records: keeps jobs, candidates, models and endpoints.
        blobs: keeps data and model archives.
        headers: reads column names.
        logs: keeps job logs.
        launcher: starts workers and model servers.
        client: speaks to model servers.
        folder: where the archives of running endpoints lie on this machine.
        limits: how much runs at once.
        clock: gives the time.
    """
    limits = limits or Limits()
    book = Book()
    jobs = JobService(
        records=records,
        blobs=blobs,
        headers=headers,
        logs=logs,
        clock=clock,
        wake=book.wake,
        quotas=limits.quotas,
    )
    trainings = TrainingService(records=records, jobs=jobs, logs=logs, clock=clock, wake=book.wake)
    transforms = TransformService(records=records, blobs=blobs, data=jobs.data, logs=logs, clock=clock, wake=book.wake)
    endpoints = EndpointService(records=records, client=client, book=book, logs=logs, clock=clock)
    supervisor = Supervisor(
        queues=[
            _open_queue([jobs, trainings], launcher, clock, limits),
            _open_queue([transforms], launcher, clock, limits),
        ],
        endpoints=endpoints,
        servers=ModelServers(launcher=launcher, client=client, endpoints=endpoints, clock=clock),
        blobs=blobs,
        book=book,
        clock=clock,
        folder=folder,
    )
    return Service(
        identity=identity,
        jobs=jobs,
        trainings=trainings,
        transforms=transforms,
        models=ModelService(records=records, blobs=blobs, clock=clock),
        endpoint_configs=EndpointConfigService(records=records, clock=clock),
        endpoints=endpoints,
        tags=TagService(records=records, identity=identity),
        blobs=blobs,
        logs=logs,
        supervisor=supervisor,
        book=book,
    )


def _open_queue(keepers: Sequence[JobKeeper[Any]], launcher: Launcher, clock: Clock, limits: Limits) -> JobQueue:
    return JobQueue(
        keepers,
        launcher=launcher,
        clock=clock,
        max_running=limits.max_running_jobs,
        max_attempts=limits.max_attempts,
    )
