"""Trains a candidate's configuration once more: an algorithm's, a pipeline's, or those of an ensemble's members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Event as Flag

from gyropilot.engine.budget import Budget
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
    PipelinePrepared,
    RunFinished,
)
from gyropilot.engine.problems.tabular.candidates import ENSEMBLE, settings_of
from gyropilot.engine.problems.tabular.ensembling import EnsemblingRun
from gyropilot.engine.problems.tabular.run import Assignment, TabularRun
from gyropilot.engine.problems.tabular.tuning import TuningRun
from gyropilot.engine.runs import repeat_trial
from gyropilot.engine.tuning import Pipeline, Tuning
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.locations import Location
from gyropilot.service.records import TUNING, Candidate, Training, TrainingJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.service.tuning_names import name_fit
from gyropilot.service.tuning_records import PipelineFit
from gyropilot.worker.arrow import leave_pandas_out
from gyropilot.worker.artifacts import store_algorithm, store_folder
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
    leave_pandas_out()
    made: CandidateResult | PipelinePrepared | None = None
    for event in _open_run(place, job, claim.stop).run():
        if claim.is_ending:
            break
        place.trainings.log(job.name, _word(event))
        if isinstance(event, DataRead):
            place.trainings.report(job.name, claim.owner, step=JobStep.TRAINING_MODELS)
        elif isinstance(event, PipelinePrepared) and job.training.pipeline:
            made = event
            break
        elif isinstance(event, RunFinished):
            made = next((each for each in event.candidates if each.algorithm == ENSEMBLE), event.best)
    if made is None or claim.stop.is_set() or claim.is_ending:
        return Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED)
    url = _store(place, job, made)
    metrics = tuple(map(read_metric, made.scores)) if isinstance(made, CandidateResult) else ()
    place.trainings.report(job.name, claim.owner, metrics=metrics, model_data_url=url)
    return Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)


def _open_run(place: Workplace, job: TrainingJob, stop: Flag) -> TabularRun:
    training, problem, folder = job.training, job.training.problem, place.folder_of(job)
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
    (folder / "run").mkdir(parents=True, exist_ok=True)
    assignment = Assignment(
        source=source,
        validation=validation,
        task=make_task(problem, place.jobs.data.read_feature_specification(problem.features_uri)),
        budget=Budget(
            max_runtime_seconds=count_seconds_left(place, job, problem.max_runtime_seconds), cores=place.cores
        ),
        folder=folder / "run",
        stop=stop,
    )
    if problem.mode == TUNING:
        return _repeat_trial(assignment, _find_tuning(place, training))
    return _repeat_plans(assignment, _make_plans(place, training.automl_job, training.candidate))


def _repeat_trial(assignment: Assignment, tuning: Tuning) -> TabularRun:
    (pipeline,) = tuning.pipelines
    task = replace(assignment.task, algorithms=(pipeline.algorithm,), tuning=tuning)
    return TuningRun(replace(assignment, task=task, budget=replace(assignment.budget, max_candidates=1)))


def _repeat_plans(assignment: Assignment, plans: Sequence[Plan]) -> TabularRun:
    task = replace(assignment.task, algorithms=tuple(dict.fromkeys(plan.algorithm for plan in plans)))
    budget = replace(assignment.budget, max_candidates=len(plans) + (len(plans) > 1))
    return EnsemblingRun(replace(assignment, task=task, budget=budget, plans=tuple(plans)))


def _find_tuning(place: Workplace, training: Training) -> Tuning:
    """Return what trains a candidate's pipeline once more, with its hyperparameters, or fits a pipeline's recipe."""
    if training.pipeline:
        fit = place.jobs.parts.get(PipelineFit, name_fit(training.automl_job, training.pipeline))
        return Tuning(pipelines=(Pipeline(name=fit.pipeline, algorithm=fit.algorithm, recipe=fit.recipe),))
    candidate = place.jobs.get_candidate(training.automl_job, training.candidate)
    pipeline = Pipeline(name=candidate.pipeline, algorithm=candidate.algorithm, recipe=candidate.recipe)
    return repeat_trial(pipeline, candidate.parameters)


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
        case PipelinePrepared(pipeline=pipeline, columns=columns):
            yield f"The recipe of {pipeline.name} ({', '.join(pipeline.recipe)}) makes {columns} numbers of a row."
        case CandidateStarted(algorithm=algorithm, parameters=parameters):
            yield f"Training {algorithm} with {dict(parameters)}."
        case CandidateFinished(result=result):
            score = f"{result.objective.metric} {result.objective.value:.6g}"
            yield f"{result.algorithm} reached {score} after {result.fit_seconds:.1f} s of training."
        case CandidateFailed(algorithm=algorithm, reason=reason):
            yield f"{algorithm} failed: {reason}"
        case _:
            return


def _store(place: Workplace, job: TrainingJob, made: CandidateResult | PipelinePrepared) -> str:
    """Store what was made where the job's owner asked for it, and return its address."""
    target = Location.parse(job.training.problem.output_uri).child(job.name, "output", "model.tar.gz")
    store = store_algorithm if isinstance(made, CandidateResult) and made.pipeline else store_folder
    return store(made.folder, target, place.blobs, place.folder_of(job))
