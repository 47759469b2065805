from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gyropilot.service.errors import AlreadyExistsError, InvalidMoveError, InvalidRequestError, NotFoundError
from gyropilot.service.job_data import JobData
from gyropilot.service.job_keeper import LeaseLostError, Outcome
from gyropilot.service.jobs import LOG_GROUP
from gyropilot.service.ports import BlobPage, BlobProperties, Query
from gyropilot.service.quotas import PROFILES
from gyropilot.service.records import AUTO, ENSEMBLING, TUNING, AutoMLJob, Candidate
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.storage.headers import StoredHeaderReader
from tests.unit.service.house import LEASE_SECONDS, PROBLEM, House, with_target

COMPLETED = Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)


def draft(house: House, name: str = "churn-trial-t1-1") -> Candidate:
    now = house.clock()
    return Candidate(name=name, parent="churn", algorithm="lightgbm", created_at=now, modified_at=now)


# --- create -----------------------------------------------------------------------------------------------------------


def test_a_new_job_waits_to_be_started(house: House) -> None:
    job = house.create_job()
    assert (job.status, job.step, job.lease, job.attempts) == (JobStatus.IN_PROGRESS, JobStep.STARTING, None, 0)
    assert house.service.jobs.get("CHURN").name == "churn"


def test_a_name_is_taken_in_whatever_case(house: House) -> None:
    house.create_job()
    with pytest.raises(AlreadyExistsError, match="churn"):
        house.create_job("Churn")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (with_target("z"), r"^Target attribute name z does not exist in header\.$"),
        (with_target("Y"), r"^Target attribute name Y does not exist in header\.$"),
        (replace(PROBLEM, data_uri="s3://nowhere/x"), "Could not access s3://nowhere/x"),
        (replace(PROBLEM, data_uri="s3://data/nothing"), r"No objects found under s3://data/nothing\."),
        (replace(PROBLEM, output_uri="s3://nowhere/out"), "Could not access s3://nowhere/out"),
        (replace(PROBLEM, data_uri="file:///etc"), "Invalid S3 URI"),
        (replace(PROBLEM, weight_column="w"), r"^Sample weight attribute name w does not exist in header\.$"),
        (replace(PROBLEM, weight_column="x"), "no column besides"),
        (replace(PROBLEM, validation_uri="s3://data/nothing"), r"No objects found under s3://data/nothing\."),
        (
            replace(PROBLEM, validation_uri="s3://data/other.csv"),
            r"^Target attribute name y does not exist in header\.$",
        ),
        (
            replace(PROBLEM, validation_uri="s3://data/narrow.csv"),
            r"^The validation data must have the columns of the training data; missing in its header: 'x'\.$",
        ),
    ],
)
def test_a_job_that_cannot_work_is_refused(house: House, problem: object, words: str) -> None:
    house.put("other.csv", b"x,z\n1,2\n")
    house.put("narrow.csv", b"w,y\n1,2\n")
    with pytest.raises(InvalidRequestError, match=words):
        house.create_job(problem=problem)  # type: ignore[arg-type]
    assert house.service.jobs.find(Query()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "Could not read"), (b"y\n1\n", "no column besides"), (b"x,y,x\n1,2,3\n", "Duplicate column names")],
)
def test_a_table_that_cannot_be_learned_from_is_refused(house: House, content: bytes, words: str) -> None:
    house.put("train/a.csv", content)
    with pytest.raises(InvalidRequestError, match=words):
        house.create_job()


def test_folder_marks_and_hidden_names_are_no_data(house: House) -> None:
    for key in ("train/", "train/_SUCCESS", "train/.hidden"):
        house.put(key, b"")
    assert [blob.key for blob in house.service.jobs.data.find(PROBLEM.data_uri)] == ["train/a.csv"]


# --- the lease --------------------------------------------------------------------------------------------------------


def test_a_claim_starts_the_clock_once(house: House) -> None:
    house.create_job()
    first = house.claim()
    assert first is not None
    house.clock.advance(LEASE_SECONDS)
    second = house.claim(owner="w2")
    assert second is not None
    assert (second.attempts, second.started_at) == (2, first.started_at)


def test_a_held_job_is_not_claimed_twice(house: House) -> None:
    house.create_job()
    house.claim()
    house.clock.advance(LEASE_SECONDS - 1)
    assert house.claim(owner="w2") is None
    assert house.claim(owner="w1") is not None


def test_a_heartbeat_renews_the_lease(house: House) -> None:
    house.create_job()
    house.claim()
    house.clock.advance(LEASE_SECONDS - 1)
    house.service.jobs.heartbeat("churn", "w1", LEASE_SECONDS)
    house.clock.advance(LEASE_SECONDS - 1)
    assert house.claim(owner="w2") is None


def heartbeat(house: House) -> object:
    return house.service.jobs.heartbeat("churn", "w1", LEASE_SECONDS)


def report(house: House) -> object:
    return house.service.jobs.report("churn", "w1", step=JobStep.TRAINING_MODELS)


def finish(house: House) -> object:
    return house.service.jobs.finish("churn", "w1", COMPLETED)


def give_back(house: House) -> object:
    return house.service.jobs.give_back("churn", "w1")


@pytest.mark.parametrize("write", [heartbeat, report, finish, give_back])
def test_who_lost_the_lease_writes_nothing(house: House, write: Callable[[House], object]) -> None:
    house.create_job()
    house.claim()
    house.clock.advance(LEASE_SECONDS)
    before = house.claim(owner="w2")
    with pytest.raises(LeaseLostError):
        write(house)
    assert house.service.jobs.get("churn") == before


def test_a_job_given_back_is_free_and_has_lost_no_attempt(house: House) -> None:
    house.create_job()
    house.claim()
    job = house.service.jobs.give_back("churn", "w1")
    assert (job.lease, job.attempts) == (None, 0)
    assert house.claim(owner="w2") is not None


def test_only_the_owners_lease_is_released(house: House) -> None:
    house.create_job()
    house.claim()
    assert house.service.jobs.release("churn", "w2").lease is not None
    assert house.service.jobs.release("churn", "w1").lease is None


# --- stop and end -----------------------------------------------------------------------------------------------------


def test_a_stop_stays_visible_whatever_the_worker_reports(house: House) -> None:
    house.create_job()
    house.claim()
    house.service.jobs.stop("churn")
    job = house.service.jobs.report("churn", "w1", step=JobStep.TRAINING_MODELS, best_candidate="b")
    assert (job.status, job.step, job.best_candidate) == (JobStatus.STOPPING, JobStep.STOPPING, "b")


def test_stopping_twice_is_no_error_and_stopping_what_ended_is(house: House) -> None:
    house.create_job()
    house.claim()
    house.service.jobs.stop("churn")
    assert house.service.jobs.stop("churn").status is JobStatus.STOPPING
    job = house.service.jobs.finish("churn", "w1", COMPLETED)
    assert (job.status, job.step) == (JobStatus.STOPPED, JobStep.STOPPED)
    with pytest.raises(InvalidMoveError, match="Stopped"):
        house.service.jobs.stop("churn")


def test_an_ended_job_is_held_by_nobody_and_never_claimed(house: House) -> None:
    house.create_job()
    house.claim()
    job = house.service.jobs.finish("churn", "w1", COMPLETED)
    assert (job.lease, job.ended_at) == (None, house.clock())
    assert house.claim() is None
    assert house.service.jobs.find_open() == []


def test_candidates_end_with_their_job(house: House) -> None:
    house.create_job()
    house.claim()
    house.service.jobs.report_candidate("churn", draft(house))
    house.service.jobs.finish("churn", "w1", COMPLETED)
    candidate = house.service.jobs.get_candidate("churn", "churn-trial-t1-1")
    assert (candidate.status, candidate.ended_at) == (CandidateStatus.STOPPED, house.clock())
    assert candidate.failure_reason


def test_a_job_that_a_worker_holds_is_not_ended_without_it(house: House) -> None:
    house.create_job()
    house.claim()
    failed = Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason="why")
    assert house.service.jobs.end_without_worker("churn", failed).status is JobStatus.IN_PROGRESS
    house.clock.advance(LEASE_SECONDS)
    assert house.service.jobs.end_without_worker("churn", failed).failure_reason == "why"


# --- candidates and logs ----------------------------------------------------------------------------------------------


def test_an_ended_candidate_stays_as_it_is(house: House) -> None:
    house.create_job()
    done = replace(draft(house), status=CandidateStatus.COMPLETED, fit_seconds=1.0)
    house.service.jobs.report_candidate("churn", done)
    again = house.service.jobs.report_candidate("churn", replace(done, fit_seconds=2.0))
    assert again.fit_seconds == 1.0
    with pytest.raises(InvalidMoveError):
        house.service.jobs.report_candidate("churn", draft(house))


def test_progress_keeps_the_time_a_candidate_was_made(house: House) -> None:
    house.create_job()
    made = house.service.jobs.report_candidate("churn", draft(house))
    house.clock.advance(5)
    done = house.service.jobs.report_candidate("churn", replace(draft(house), status=CandidateStatus.COMPLETED))
    assert (done.created_at, done.modified_at) == (made.created_at, house.clock())


def test_a_candidate_is_found_by_its_name_alone(house: House) -> None:
    house.create_job()
    for name in ("churn-trial-t1-1", "churn-trial-t1-11"):
        house.service.jobs.report_candidate("churn", draft(house, name))
    assert house.service.jobs.find_candidate("CHURN-trial-t1-1").name == "churn-trial-t1-1"
    with pytest.raises(NotFoundError):
        house.service.jobs.find_candidate("churn-trial-t1")


def test_candidates_of_an_unknown_job_are_an_error(house: House) -> None:
    with pytest.raises(NotFoundError, match="AutoML job"):
        house.service.jobs.find_candidates("none", Query())


def test_log_lines_go_to_the_jobs_stream(house: House) -> None:
    house.service.jobs.log("churn", ["one", "two"])
    house.service.jobs.log("churn", [])
    assert [line.message for line in house.logs.read(LOG_GROUP, "churn")] == ["one", "two"]


def test_reasons_are_no_longer_than_aws_allows(house: House) -> None:
    house.create_job()
    house.claim()
    failed = Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason="x" * 5000)
    assert len(house.service.jobs.finish("churn", "w1", failed).failure_reason) == 1024


def test_unknown_jobs_are_an_error(house: House) -> None:
    for ask in (house.service.jobs.get, house.service.jobs.stop):
        with pytest.raises(NotFoundError, match=AutoMLJob.kind):
            ask("none")


class WeightyBlobs(MemoryBlobStore):
    """A store whose objects are as large as it says: no test has hundreds of megabytes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def list(self, bucket: str, **query: Any) -> BlobPage:
        page = super().list(bucket, **query)
        return replace(page, blobs=tuple(replace(blob, size=self._size) for blob in page.blobs))


@pytest.mark.parametrize(
    ("objects", "size", "mode"),
    [(1, 100 * 1024 * 1024, ENSEMBLING), (1, 100 * 1024 * 1024 + 1, TUNING), (1000, 1, ENSEMBLING), (1001, 1, TUNING)],
)
def test_the_size_of_the_data_decides_an_open_mode(objects: int, size: int, mode: str) -> None:
    blobs = WeightyBlobs(size)
    blobs.create_bucket("data")
    for number in range(objects):
        blobs.put("data", f"train/{number}.csv", io.BytesIO(b"x,y\n"), BlobProperties())
    data = JobData(blobs=blobs, headers=StoredHeaderReader(blobs), quotas=PROFILES["generous"])
    assert data.decide_mode(replace(PROBLEM, mode=AUTO)).mode == mode
    assert data.decide_mode(replace(PROBLEM, mode=ENSEMBLING)).mode == ENSEMBLING
    weighed = replace(PROBLEM, mode=AUTO, weight_column="w")
    if mode == TUNING:
        with pytest.raises(InvalidRequestError, match="Mode AUTO means HYPERPARAMETER_TUNING for data of more than"):
            data.decide_mode(weighed)
    else:
        assert data.decide_mode(weighed).mode == mode


def test_reports_are_noted_of_a_finished_candidate(house: House) -> None:
    house.create_job()
    finished = replace(draft(house), status=CandidateStatus.COMPLETED)
    house.service.jobs.report_candidate("churn", finished)
    house.service.jobs.note_report("churn", finished.name, insights_url="s3://data/insights")
    noted = house.service.jobs.note_report("churn", finished.name, explainability_url="s3://data/explained")
    assert (noted.explainability_url, noted.insights_url) == ("s3://data/explained", "s3://data/insights")
    assert noted.status is CandidateStatus.COMPLETED
