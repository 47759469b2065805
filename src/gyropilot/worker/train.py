"""The steps of a job: data, task, budget, run."""

from __future__ import annotations

import time

from gyropilot.engine import run
from gyropilot.engine.budget import Budget
from gyropilot.engine.errors import BudgetSpentError, TaskError
from gyropilot.engine.task import ColumnKind, Mode, ProblemType, Task
from gyropilot.service.feature_specification import FeatureSpecification
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.locations import Location
from gyropilot.service.records import TUNING, AutoMLJob, Job, Problem
from gyropilot.worker.arrow import leave_pandas_out
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.claim import Claim
from gyropilot.worker.definitions.watch import DefinitionWatch
from gyropilot.worker.definitions.write import DefinitionWriter
from gyropilot.worker.download import download
from gyropilot.worker.progress import Progress
from gyropilot.worker.reports.best import keep_for_reports
from gyropilot.worker.reports.job_reports import JobReports
from gyropilot.worker.reports.shelf import ReportShelf
from gyropilot.worker.tuning_recorder import TuningRecorder
from gyropilot.worker.workplace import Workplace

RESERVE_SHARE = 0.01
RESERVE_SECONDS = (0.5, 10.0)
"""Least and most of the limit that is kept back for storing the last model."""


def train(place: Workplace, job: AutoMLJob, claim: Claim) -> Outcome:
    """Run a claimed job to its end and return how it ended.

    Raises:
        EngineError: when the data, the task or the budget do not allow a model.
        InvalidRequestError: when the data or the feature specification is no longer there or no longer right.
        LeaseLostError: when the worker no longer holds the job.
    """
    leave_pandas_out()
    folder = place.folder_of(job)
    paths, validation = (
        download(place.blobs, place.jobs.data.find(uri), folder / name) if uri else []
        for name, uri in (("data", job.problem.data_uri), ("validation", job.problem.validation_uri))
    )
    shelf = ModelShelf(
        blobs=place.blobs,
        identity=place.identity,
        job=job.name,
        place=Location.parse(job.problem.output_uri).child(job.name),
        scratch=folder / "archives",
    )
    progress = Progress(
        jobs=place.jobs,
        job=job,
        owner=claim.owner,
        shelf=shelf,
        clock=place.clock,
        recorder=_open_recorder(place, job, shelf) if job.problem.mode == TUNING else None,
    )
    task = make_task(job.problem, place.jobs.data.read_feature_specification(job.problem.features_uri))
    writer = DefinitionWriter(shelf=ReportShelf(blobs=place.blobs, job=job), identity=place.identity)
    definitions = DefinitionWatch(jobs=place.jobs, job=job, owner=claim.owner, task=task, writer=writer)
    events = run(
        paths,
        task,
        _make_budget(place, job),
        folder=folder / "run",
        validation=validation,
        data_format=job.problem.data_format,
        compression=job.problem.compression,
        stop=claim.stop,
    )
    with JobReports(place=place, job=job, claim=claim, progress=progress) as reports:
        for event in events:
            if claim.is_ending:
                return progress.outcome
            definitions.take(event)
            progress.take(event)
            reports.take(event)
            if progress.is_over:
                break
        reports.finish(_find_end(place, job))
    return progress.outcome


def _open_recorder(place: Workplace, job: AutoMLJob, shelf: ModelShelf) -> TuningRecorder:
    return TuningRecorder(jobs=place.jobs, models=place.models, shelf=shelf, job=job, clock=place.clock)


def _find_end(place: Workplace, job: AutoMLJob) -> float | None:
    """Return when the job must be through, in seconds of `time.monotonic`."""
    try:
        left = count_seconds_left(place, job, job.problem.max_runtime_seconds)
    except BudgetSpentError:
        left = 0.0
    return None if left is None else time.monotonic() + left


def make_task(problem: Problem, specification: FeatureSpecification) -> Task:
    """Return what the engine is to learn.

    Raises:
        TaskError: when the specification has a type that the engine does not know.
    """
    return Task(
        target=problem.target,
        problem_type=ProblemType(problem.problem_type) if problem.problem_type else None,
        objective=problem.objective,
        mode=Mode(problem.mode),
        algorithms=problem.algorithms,
        weight_column=problem.weight_column,
        features=specification.names,
        column_kinds={name: _read_kind(name, kind) for name, kind in specification.types.items()},
        validation_fraction=problem.validation_fraction,
        seed=problem.seed,
    )


def _read_kind(name: str, kind: str) -> ColumnKind:
    if kind not in set(ColumnKind):
        raise TaskError(
            f"The type {kind!r} of column {name!r} is not supported yet. Supported: {', '.join(map(str, ColumnKind))}."
        )
    return ColumnKind(kind)


def _make_budget(place: Workplace, job: AutoMLJob) -> Budget:
    limit = job.problem.max_runtime_seconds
    kept = keep_for_reports(limit) if limit is not None and place.writes_reports else 0.0
    return Budget(
        max_runtime_seconds=count_seconds_left(place, job, limit, kept=kept),
        max_candidates=job.problem.max_candidates,
        max_runtime_per_candidate_seconds=job.problem.max_runtime_per_candidate_seconds,
        cores=place.cores,
    )


def count_seconds_left(place: Workplace, job: Job, limit: float | None, *, kept: float = 0.0) -> float | None:
    """Return what is left of a job's limit, which counts from its first worker on, less a reserve.

    Args:
        place: whose clock counts.
        job: whose time is counted.
        limit: its limit in seconds; None: there is none.
        kept: seconds that are kept for what comes after.

    Raises:
        BudgetSpentError: when nothing is.
    """
    if limit is None:
        return None
    least, most = RESERVE_SECONDS
    spent = (place.clock() - (job.started_at or job.created_at)).total_seconds()
    left = limit - spent - min(max(least, RESERVE_SHARE * limit), most) - kept
    if left <= 0:
        raise BudgetSpentError(f"the limit of {limit:g} s was over before training began")
    return left
