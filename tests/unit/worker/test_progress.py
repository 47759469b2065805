from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
    DataRead,
    Found,
    Phase,
    PhaseBegan,
    RunFinished,
    Score,
)
from gyropilot.service.job_keeper import LeaseLostError
from gyropilot.service.jobs import LOG_GROUP
from gyropilot.service.locations import Location
from gyropilot.service.records import AutoMLJob, Metric
from gyropilot.service.states import CandidateStatus, JobStep
from gyropilot.worker.artifacts import ModelShelf
from gyropilot.worker.progress import Progress, name_candidate
from tests.unit.service.house import IDENTITY, House

F1 = Score(metric="f1", value=0.75, higher_is_better=True)


def begin(house: House, tmp_path: Path) -> Progress:
    job = house.claim() if house.service.jobs.find_open() else None
    if job is None:
        house.create_job()
        job = house.claim()
    assert job is not None
    shelf = ModelShelf(
        blobs=house.blobs,
        identity=IDENTITY,
        job="churn",
        place=Location("data", "out/churn"),
        scratch=tmp_path / "scratch",
    )
    return Progress(jobs=house.service.jobs, job=job, owner="w1", shelf=shelf, clock=house.clock)


def result(tmp_path: Path, candidate: str = "c03") -> CandidateResult:
    folder = tmp_path / candidate
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text("{}")
    return CandidateResult(
        id=candidate,
        algorithm="lightgbm",
        parameters={"rounds": 7},
        objective=F1,
        scores=(F1,),
        fit_seconds=1.5,
        latency_seconds=0.001,
        folder=folder,
    )


def read_data(problem_type: str = "binary") -> DataRead:
    return DataRead(rows=100, columns=3, folds=5, problem_type=problem_type, objective="f1")


def job_of(house: House) -> AutoMLJob:
    return house.service.jobs.get("churn")


@pytest.mark.parametrize(("given", "name"), [("c03", "churn-trial-t3-1"), ("c12", "churn-trial-t12-1")])
def test_candidates_are_named_as_aws_does(given: str, name: str) -> None:
    assert name_candidate("churn", given) == name


def test_an_id_without_a_number_has_no_name() -> None:
    with pytest.raises(ValueError, match="must hold its number"):
        name_candidate("churn", "ensemble")


def test_phases_become_steps(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    steps = []
    for phase in Phase:
        progress.take(PhaseBegan(phase=phase))
        steps.append(job_of(house).step)
    assert steps == [
        JobStep.ANALYZING_DATA,
        JobStep.PRE_TRAINING,
        JobStep.TRAINING_MODELS,
        JobStep.TRAINING_MODELS,
    ]


def test_what_was_inferred_is_kept(house: House, tmp_path: Path) -> None:
    begin(house, tmp_path).take(read_data())
    assert (job_of(house).resolved_problem_type, job_of(house).resolved_objective) == ("binary", "f1")


def test_five_findings_are_kept_and_all_are_logged(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    for number in range(7):
        progress.take(Found(message=f"finding {number}"))
    progress.take(Found(message="finding 0"))
    assert job_of(house).findings == tuple(f"finding {number}" for number in range(5))
    assert len(house.logs.read(LOG_GROUP, "churn")) == 8


def test_a_candidates_way(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    progress.take(read_data())
    progress.take(CandidateStarted(id="c03", algorithm="lightgbm", parameters={}))
    assert house.service.jobs.get_candidate("churn", "churn-trial-t3-1").status is CandidateStatus.IN_PROGRESS
    progress.take(CandidateFinished(result=result(tmp_path), is_best=True))
    candidate = house.service.jobs.get_candidate("churn", "churn-trial-t3-1")
    assert candidate.status is CandidateStatus.COMPLETED
    assert candidate.objective == Metric(name="f1", value=0.75, higher_is_better=True)
    assert (candidate.parameters, candidate.fit_seconds) == ({"rounds": 7}, 1.5)
    assert job_of(house).best_candidate == candidate.name


def test_the_container_names_an_archive_that_is_there(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    progress.take(read_data())
    progress.take(CandidateFinished(result=result(tmp_path), is_best=True))
    (container,) = house.service.jobs.get_candidate("churn", "churn-trial-t3-1").containers
    key = "out/churn/sagemaker-automl-candidates/model/churn-trial-t3-1/model.tar.gz"
    assert container.model_data_url == f"s3://data/{key}"
    assert container.image == IDENTITY.ensembling_image
    assert container.environment["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"
    with house.blobs.open("data", key) as (_, content), tarfile.open(fileobj=content, mode="r|gz") as archive:
        assert archive.getnames() == ["manifest.json"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_regression_has_nothing_to_select(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    progress.take(read_data("regression"))
    progress.take(CandidateFinished(result=result(tmp_path), is_best=True))
    assert house.service.jobs.get_candidate("churn", "churn-trial-t3-1").containers[0].environment == {}


@pytest.mark.parametrize(("was_stopped", "status"), [(False, CandidateStatus.FAILED), (True, CandidateStatus.STOPPED)])
def test_a_failed_candidate_says_why(house: House, tmp_path: Path, was_stopped: bool, status: CandidateStatus) -> None:
    progress = begin(house, tmp_path)
    progress.take(CandidateFailed(id="c01", algorithm="xgboost", reason="why", was_stopped=was_stopped))
    candidate = house.service.jobs.get_candidate("churn", "churn-trial-t1-1")
    assert (candidate.status, candidate.failure_reason) == (status, "why")


def test_a_resumed_run_changes_nothing_that_is_done(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    progress.take(read_data())
    for candidate in ("c01", "c02"):
        progress.take(CandidateFinished(result=result(tmp_path, candidate), is_best=True))
    progress.take(CandidateStarted(id="c03", algorithm="lightgbm", parameters={}))
    before = house.service.jobs.get_candidate("churn", "churn-trial-t1-1")

    again = begin(house, tmp_path)
    again.take(read_data())
    again.take(CandidateFinished(result=result(tmp_path, "c01"), is_best=True))
    assert house.service.jobs.get_candidate("churn", "churn-trial-t1-1") == before
    assert job_of(house).best_candidate == "churn-trial-t2-1"
    again.take(CandidateStarted(id="c03", algorithm="lightgbm", parameters={}))
    again.take(CandidateFinished(result=result(tmp_path, "c03"), is_best=False))
    assert house.service.jobs.get_candidate("churn", "churn-trial-t3-1").status is CandidateStatus.COMPLETED


@pytest.mark.parametrize(
    ("reason", "step"),
    [
        ("portfolio", JobStep.COMPLETED),
        ("stopped", JobStep.COMPLETED),
        ("deadline", JobStep.MAX_RUNTIME_REACHED),
        ("max_candidates", JobStep.MAX_CANDIDATES_REACHED),
    ],
)
def test_the_runs_end_tells_how_the_job_ended(house: House, tmp_path: Path, reason: str, step: JobStep) -> None:
    progress = begin(house, tmp_path)
    best = result(tmp_path)
    progress.take(RunFinished(best=best, candidates=(best,), expected=best.objective.value, reason=reason))
    assert progress.outcome.step is step
    assert job_of(house).best_candidate == "churn-trial-t3-1"


def test_nothing_is_written_about_a_job_in_other_hands(house: House, tmp_path: Path) -> None:
    progress = begin(house, tmp_path)
    house.service.jobs.release("churn", "w1")
    with pytest.raises(LeaseLostError):
        progress.take(PhaseBegan(phase=Phase.TRAINING))
