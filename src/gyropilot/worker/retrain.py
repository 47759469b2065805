"""Trains a candidate's configuration once more: an algorithm's, or those of an ensemble's members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

from gyropilot.engine.budget import Budget
from gyropilot.engine.bundle.archive import pack
from gyropilot.engine.contracts import Plan
from gyropilot.engine.data.source import Files
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
    DataRead,
    Event,
    Found,
    RunFinished,
)
from gyropilot.engine.problems.tabular.candidates import ENSEMBLE, settings_of
from gyropilot.engine.problems.tabular.ensembling import EnsemblingRun
from gyropilot.engine.problems.tabular.run import Assignment
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties
from gyropilot.service.records import Candidate, TrainingJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.worker.claim import Claim
from gyropilot.worker.download import download
from gyropilot.worker.progress import name_candidate, read_metric
from gyropilot.worker.train import count_seconds_left, make_task
from gyropilot.worker.workplace import Workplace


def retrain(place: Workplace, job: TrainingJob, claim: Claim) -> Outcome:
    """Run a claimed job to its end and return how it ended.

    Raises:
        EngineError: when the data or the limit does not allow a model.
        InvalidRequestError: when the data or the feature specification is no longer there or no longer right.
        LeaseLostError: when the worker no longer holds the job.
    """
    best: CandidateResult | None = None
    for event in _open_run(place, job, claim.stop).run():
        if claim.is_ending:
            break
        place.trainings.log(job.name, _word(event))
        if isinstance(event, DataRead):
            place.trainings.report(job.name, claim.owner, step=JobStep.TRAINING_MODELS)
        elif isinstance(event, RunFinished):
            best = next((each for each in event.candidates if each.algorithm == ENSEMBLE), event.best)
    if best is None or claim.stop.is_set():
        return Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED)
    url = _store(place, job, best.folder)
    metrics = tuple(map(read_metric, best.scores))
    place.trainings.report(job.name, claim.owner, metrics=metrics, model_data_url=url)
    return Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)


def _open_run(place: Workplace, job: TrainingJob, stop: Flag) -> EnsemblingRun:
    training, problem, folder = job.training, job.training.problem, place.folder_of(job)
    plans = _make_plans(place, training.automl_job, training.candidate)
    source, validation = (
        Files(
            paths=download(place.blobs, place.jobs.data.find(uri), folder / name),
            data_format=problem.data_format,
            compression=problem.compression,
        )
        if uri
        else None
        for name, uri in (("data", problem.data_uri), ("validation", problem.validation_uri))
    )
    assert source is not None
    task = make_task(problem, place.jobs.data.read_feature_specification(problem.features_uri))
    (folder / "run").mkdir(parents=True, exist_ok=True)
    assignment = Assignment(
        source=source,
        validation=validation,
        task=replace(task, algorithms=tuple(dict.fromkeys(plan.algorithm for plan in plans))),
        budget=Budget(
            max_runtime_seconds=count_seconds_left(place, job, problem.max_runtime_seconds),
            max_candidates=len(plans) + (len(plans) > 1),
            cores=place.cores,
        ),
        folder=folder / "run",
        stop=stop,
        plans=tuple(plans),
    )
    return EnsemblingRun(assignment)


def _make_plans(place: Workplace, automl_job: str, name: str) -> list[Plan]:
    """Return what is to be trained: a candidate, or the members of an ensemble in the order of their weights."""
    candidate = place.jobs.get_candidate(automl_job, name)
    members = [candidate]
    if candidate.algorithm == ENSEMBLE:
        names = [name_candidate(automl_job, each) for each in candidate.parameters["weights"]]
        members = [place.jobs.get_candidate(automl_job, each) for each in names]
    return [_make_plan(number, member) for number, member in enumerate(members, 1)]


def _make_plan(number: int, candidate: Candidate) -> Plan:
    settings = settings_of(candidate.parameters)
    seed = int(candidate.parameters["seed"])
    return Plan(id=f"c{number:02d}", algorithm=candidate.algorithm, parameters=settings, seed=seed)


def _word(event: Event) -> Iterator[str]:
    match event:
        case DataRead(rows=rows, columns=columns):
            yield f"Read {rows} rows with a target and {columns} feature columns."
        case Found(message=message):
            yield message
        case CandidateStarted(algorithm=algorithm, parameters=parameters):
            yield f"Training {algorithm} with {dict(parameters)}."
        case CandidateFinished(result=result):
            score = f"{result.objective.metric} {result.objective.value:.6g}"
            yield f"{result.algorithm} reached {score} after {result.fit_seconds:.1f} s of training."
        case CandidateFailed(algorithm=algorithm, reason=reason):
            yield f"{algorithm} failed: {reason}"
        case _:
            return


def _store(place: Workplace, job: TrainingJob, bundle: Path) -> str:
    """Store a bundle where the job's owner asked for it, and return its address."""
    target = Location.parse(job.training.problem.output_uri).child(job.name, "output", "model.tar.gz")
    archive = place.folder_of(job) / "model.tar.gz"
    pack(bundle, archive)
    with archive.open("rb") as content:
        place.blobs.put(target.bucket, target.key, content, BlobProperties(content_type="application/gzip"))
    return str(target)
