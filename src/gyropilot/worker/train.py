"""The steps of a job: data, task, budget, run."""

from __future__ import annotations

import logging
import sys
import threading
from importlib import import_module

from gyropilot.engine import run
from gyropilot.engine.budget import Budget
from gyropilot.engine.errors import BudgetSpentError, TaskError
from gyropilot.engine.events import CandidateFinished
from gyropilot.engine.problems.tabular.prepare import SAMPLE
from gyropilot.engine.task import ColumnKind, Mode, ProblemType, Task
from gyropilot.service.feature_specification import FeatureSpecification
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.locations import Location
from gyropilot.service.ports import Query
from gyropilot.service.records import TUNING, AutoMLJob, Job, Problem
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.claim import Claim
from gyropilot.worker.definitions.watch import DefinitionWatch
from gyropilot.worker.definitions.write import DefinitionWriter
from gyropilot.worker.download import download
from gyropilot.worker.progress import Progress
from gyropilot.worker.reports.explore_table import SECONDS
from gyropilot.worker.reports.exploring import Exploring
from gyropilot.worker.reports.shelf import ReportShelf
from gyropilot.worker.tuning_recorder import TuningRecorder
from gyropilot.worker.workplace import Workplace

log = logging.getLogger(__name__)

LEADERBOARD = "gyropilot.worker.reports.leaderboard"
PATIENCE_SECONDS = 30.0
"""So long, and no longer than its limit, a job waits at its end for reports that are being written."""
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
    reports = ReportShelf(blobs=place.blobs, job=job)
    writer = DefinitionWriter(shelf=reports, identity=place.identity)
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
    with Exploring(
        jobs=place.jobs,
        owner=claim.owner,
        shelf=reports,
        sample=folder / "run" / SAMPLE,
        out=folder / "exploration",
        is_wanted=place.writes_reports,
    ) as exploring:
        for event in events:
            if claim.is_ending:
                return progress.outcome
            definitions.take(event)
            progress.take(event)
            exploring.take(event)
            if isinstance(event, CandidateFinished) and place.writes_reports and LEADERBOARD not in sys.modules:
                # Matplotlib takes a while to import: not at the end, when time is short.
                threading.Thread(target=import_module, args=(LEADERBOARD,), daemon=True).start()
            if progress.is_over:
                break
        if place.writes_reports and not progress.is_over:
            _write_leaderboard(place, reports, progress)
        exploring.finish(_count_patience(place, job, claim))
        if exploring.failure:
            progress.note_failed_report(exploring.failure)
    return progress.outcome


def _open_recorder(place: Workplace, job: AutoMLJob, shelf: ModelShelf) -> TuningRecorder:
    return TuningRecorder(jobs=place.jobs, models=place.models, shelf=shelf, job=job, clock=place.clock)


def _write_leaderboard(place: Workplace, shelf: ReportShelf, progress: Progress) -> None:
    """Write the page of the job's candidates; that it cannot be written does not fail the job."""
    from gyropilot.worker.reports.leaderboard import PAGE, describe_leaderboard
    from gyropilot.worker.reports.render_html import render_html

    name = shelf.job.name
    try:
        job = place.jobs.get(name)
        candidates = place.jobs.find_candidates(name, Query())
        report = describe_leaderboard(job, candidates, sizes=progress.sizes, made_at=place.clock())
        url = shelf.put(shelf.documentation.child(PAGE), render_html(report).encode())
    except Exception as error:
        log.exception("the leaderboard of %s failed", name)
        progress.note_failed_report(f"The leaderboard page could not be made: {type(error).__name__}: {error}")
        return
    place.jobs.log(name, [f"The leaderboard is in {url}."])


def _count_patience(place: Workplace, job: AutoMLJob, claim: Claim) -> float:
    """Return how many seconds a run that is over may wait for its reports."""
    if claim.stop.is_set() or claim.is_ending:
        return 0.0
    limit = job.problem.max_runtime_seconds
    if limit is None:
        return float(SECONDS)
    return min(PATIENCE_SECONDS, limit - (place.clock() - (job.started_at or job.created_at)).total_seconds())


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
    return Budget(
        max_runtime_seconds=count_seconds_left(place, job, job.problem.max_runtime_seconds),
        max_candidates=job.problem.max_candidates,
        max_runtime_per_candidate_seconds=job.problem.max_runtime_per_candidate_seconds,
        cores=place.cores,
    )


def count_seconds_left(place: Workplace, job: Job, limit: float | None) -> float | None:
    """Return what is left of a job's limit, which counts from its first worker on, less a reserve.

    Raises:
        BudgetSpentError: when nothing is.
    """
    if limit is None:
        return None
    least, most = RESERVE_SECONDS
    spent = (place.clock() - (job.started_at or job.created_at)).total_seconds()
    left = limit - spent - min(max(least, RESERVE_SHARE * limit), most)
    if left <= 0:
        raise BudgetSpentError(f"the limit of {limit:g} s was over before training began")
    return left
