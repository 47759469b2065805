"""What tuning tells, as records: candidates, and the parts that AWS would have run as jobs."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from gyropilot.engine.bundle.archive import unpack
from gyropilot.engine.bundle.splitting import split_bundle
from gyropilot.engine.events import (
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
    CandidateStopped,
    DataRead,
    Phase,
    PhaseBegan,
    PipelinePrepared,
    PipelinesChosen,
    Score,
)
from gyropilot.engine.tuning import Choice, Pipeline, Range, Recommendation
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.locations import Location
from gyropilot.service.ports import Query
from gyropilot.service.records import TUNING, AutoMLJob
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from gyropilot.service.tuning_names import (
    name_data_build,
    name_fit,
    name_recommendation,
    name_transform,
    name_trial,
    name_tuning_job,
)
from gyropilot.service.tuning_records import (
    TUNING_PARTS,
    PipelineFit,
    PipelineTransform,
    ProcessingPart,
    TunedParameter,
    TuningJob,
)
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.progress import Progress
from gyropilot.worker.tuning_recorder import TuningRecorder
from tests.unit.service.house import IDENTITY, LEASE_SECONDS, PROBLEM, House

ARCHIVE = Path(__file__).parents[2] / "data" / "bundles" / "0.1.0-binary.tar.gz"
PIPELINE = Pipeline(name="dpp0", algorithm="xgboost", recipe=("one-hot", "robust-impute"))
CHOSEN = PipelinesChosen(
    recommendation=Recommendation(
        pipelines=(PIPELINE,),
        spaces={"xgboost": {"eta": Range(low=0.01, high=0.3), "kind": Choice(values=("a", 1))}},
        problem_type="binary",
        objective="f1",
        classes=("no", "yes"),
        folds=5,
        rows=100,
        columns=3,
        findings=(),
    ),
    max_trials=7,
)
F1, LOSS = (
    Score(metric="f1", value=0.75, higher_is_better=True),
    Score(metric="log_loss", value=0.5, higher_is_better=False),
)


def open_progress(house: House, folder: Path, *, defines_only: bool = False) -> Progress:
    jobs = house.service.jobs
    if not jobs.find_open():
        problem = replace(PROBLEM, mode=TUNING, is_definitions_only=defines_only)
        jobs.create("churn", {"RoleArn": "role"}, problem, tags={"team": "people"})
    else:
        jobs.release("churn", "w1")
    job = jobs.claim("churn", "w1", LEASE_SECONDS)
    assert job is not None
    shelf = ModelShelf(
        blobs=house.blobs,
        identity=IDENTITY,
        job="churn",
        place=Location("data", "out/churn"),
        scratch=folder / "scratch",
    )
    recorder = TuningRecorder(jobs=jobs, models=house.service.models, shelf=shelf, job=job, clock=house.clock)
    return Progress(jobs=jobs, job=job, owner="w1", shelf=shelf, clock=house.clock, recorder=recorder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    unpack(ARCHIVE, folder)
    return folder


def analyse(progress: Progress) -> None:
    progress.take(PhaseBegan(phase=Phase.ANALYZING))
    progress.take(DataRead(rows=100, columns=3, folds=5, problem_type="binary", objective="f1"))
    progress.take(PhaseBegan(phase=Phase.PREPARING))
    progress.take(CHOSEN)


def prepare(progress: Progress, bundle: Path, folder: Path) -> None:
    analyse(progress)
    progress.take(PhaseBegan(phase=Phase.TRAINING))
    processor, _ = split_bundle(bundle, folder / "stages")
    progress.take(
        PipelinePrepared(pipeline=PIPELINE, columns=5, fit_seconds=2.0, transform_seconds=3.0, folder=processor)
    )


def result(bundle: Path, number: int) -> CandidateResult:
    return CandidateResult(
        id=f"c{number:03d}",
        algorithm="xgboost",
        parameters={"eta": 0.1, "seed": 3},
        pipeline="dpp0",
        recipe=PIPELINE.recipe,
        objective=F1,
        scores=(F1, LOSS),
        part_scores=((F1,), (F1,)),
        fit_seconds=1.5,
        latency_seconds=0.001,
        folder=bundle,
    )


def job_of(house: House) -> AutoMLJob:
    return house.service.jobs.get("churn")


def count_parts(house: House) -> int:
    return sum(len(house.service.jobs.parts.find(kind, Query())) for kind in TUNING_PARTS)


def test_a_trial_becomes_a_candidate_with_three_containers(house: House, bundle: Path, tmp_path: Path) -> None:
    progress, jobs = open_progress(house, tmp_path), house.service.jobs
    prepare(progress, bundle, tmp_path)
    assert job_of(house).step is JobStep.MODEL_TUNING
    assert job_of(house).resolved_max_candidates == 7
    progress.take(CandidateStarted(id="c002", algorithm="xgboost", parameters={"eta": 0.1}, pipeline="dpp0"))
    name = name_trial("churn", 2)
    assert jobs.get_candidate("churn", name).recipe == PIPELINE.recipe
    progress.take(CandidateFinished(result=result(bundle, 2), is_best=True))
    candidate = jobs.get_candidate("churn", name)
    assert (candidate.pipeline, candidate.status) == ("dpp0", CandidateStatus.COMPLETED)
    assert [[metric.name for metric in part] for part in candidate.part_metrics] == [["f1"], ["f1"]]
    first, second, third = candidate.containers
    fit = jobs.parts.get(PipelineFit, name_fit("churn", "dpp0"))
    assert first.model_data_url == third.model_data_url == fit.model_data_url
    assert second.model_data_url == f"s3://data/out/churn/tuning/churn-dpp0-xgb/{name}/output/model.tar.gz"
    key = second.model_data_url.removeprefix("s3://data/")
    with house.blobs.open("data", key) as (_, content), tarfile.open(fileobj=content, mode="r|gz") as archive:
        assert archive.getnames() == ["algorithm.json", "predictor.onnx"]
    assert list((tmp_path / "scratch").iterdir()) == []
    assert len(house.logs.read("/aws/sagemaker/TrainingJobs", f"{name}/algo-1")) == 2 + 2


def test_the_parts_have_their_times_and_tags(house: House, bundle: Path, tmp_path: Path) -> None:
    progress, parts = open_progress(house, tmp_path), house.service.jobs.parts
    house.clock.advance(60)
    prepare(progress, bundle, tmp_path)
    fit = parts.get(PipelineFit, name_fit("churn", "dpp0"))
    transform = parts.get(PipelineTransform, name_transform("churn", "dpp0"))
    assert fit.ended_at is not None
    assert (fit.ended_at - fit.created_at).total_seconds() == 2
    assert (transform.created_at, transform.ended_at) == (fit.ended_at, house.clock())
    assert (fit.columns, fit.tags, transform.model) == (5, {"team": "people"}, fit.name)
    assert house.service.models.get(fit.name).containers[0].model_data_url == fit.model_data_url
    for name in name_data_build("churn"), name_recommendation("churn"):
        assert parts.get(ProcessingPart, name).status is JobStatus.COMPLETED
    tuned = parts.get(TuningJob, name_tuning_job("churn"))
    assert (tuned.status, tuned.max_candidates) == (JobStatus.IN_PROGRESS, 7)
    assert tuned.pipelines[0].parameters == (
        TunedParameter(name="eta", low=0.01, high=0.3, is_logarithmic=True),
        TunedParameter(name="kind", values=("a", "1")),
    )


def test_a_poor_trial_is_a_stopped_candidate(house: House, bundle: Path, tmp_path: Path) -> None:
    progress = open_progress(house, tmp_path)
    prepare(progress, bundle, tmp_path)
    stopped = CandidateStopped(
        id="c004",
        algorithm="xgboost",
        parameters={"eta": 0.3},
        pipeline="dpp0",
        reason="poor",
        loss=LOSS,
        fit_seconds=1,
    )
    progress.take(stopped)
    candidate = house.service.jobs.get_candidate("churn", name_trial("churn", 4))
    assert (candidate.status, candidate.failure_reason, candidate.pipeline) == (CandidateStatus.STOPPED, "poor", "dpp0")
    assert (candidate.objective, [metric.name for metric in candidate.metrics]) == (None, ["log_loss"])


def test_a_run_that_is_taken_up_again_repeats_no_record(house: House, bundle: Path, tmp_path: Path) -> None:
    progress = open_progress(house, tmp_path)
    prepare(progress, bundle, tmp_path)
    progress.take(CandidateFinished(result=result(bundle, 1), is_best=True))
    before = house.service.jobs.parts.get(PipelineFit, name_fit("churn", "dpp0"))
    candidates, parts = house.service.jobs.find_candidates("churn", Query()), count_parts(house)
    house.clock.advance(60)
    again = open_progress(house, tmp_path)
    prepare(again, bundle, tmp_path)
    again.take(CandidateFinished(result=result(bundle, 1), is_best=True))
    assert house.service.jobs.find_candidates("churn", Query()) == candidates
    assert count_parts(house) == parts
    assert house.service.jobs.parts.get(PipelineFit, before.name) == before


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED), JobStatus.COMPLETED),
        (Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason="why"), JobStatus.FAILED),
    ],
)
def test_open_parts_end_like_their_job(
    house: House, bundle: Path, tmp_path: Path, outcome: Outcome, status: JobStatus
) -> None:
    prepare(open_progress(house, tmp_path), bundle, tmp_path)
    house.service.jobs.finish("churn", "w1", outcome)
    tuned = house.service.jobs.parts.get(TuningJob, name_tuning_job("churn"))
    assert (tuned.status, tuned.failure_reason, tuned.ended_at) == (status, outcome.failure_reason, house.clock())


def test_definitions_alone_train_nothing(house: House, tmp_path: Path) -> None:
    progress = open_progress(house, tmp_path, defines_only=True)
    analyse(progress)
    assert job_of(house).step is JobStep.ANALYZING_DATA
    assert count_parts(house) == 2
    progress.take(PhaseBegan(phase=Phase.TRAINING))
    assert progress.is_over
    assert progress.outcome == Outcome(status=JobStatus.COMPLETED, step=JobStep.CANDIDATE_DEFINITIONS_GENERATED)
    assert house.service.jobs.parts.find(TuningJob, Query()) == []
