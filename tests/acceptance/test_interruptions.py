"""Workers and servers that die, jobs that are stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    candidates,
    create,
    create_endpoint,
    invoke,
    read_rows,
    request,
    seconds_of,
    text_of,
    wait_for,
    wait_for_candidates,
    wait_for_end,
    wait_for_endpoint,
    write_rows,
)

LONG_SECONDS = 30
MANY_ROWS = 4000
"""So many that a job is not through before it is interrupted."""
HEADER, ROWS = read_rows("adult.csv", MANY_ROWS)


def check_that_it_went_on(session: Session, job: str, before: list[Any]) -> None:
    """Check that a job completed with the candidates it had, none of them trained again."""
    ended = wait_for_end(session, job)
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    after = {candidate["CandidateName"]: candidate for candidate in candidates(session, job)}
    assert [after[candidate["CandidateName"]] for candidate in before] == before
    assert "was trained before" in text_of(session, job)
    assert (ended["EndTime"] - ended["CreationTime"]).total_seconds() < LONG_SECONDS + 15


def upload(session: Session) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key="many/rows.csv", Body=write_rows([HEADER, *ROWS]))


def test_a_killed_workers_job_is_taken_up_again(server: RunningServer, session: Session) -> None:
    upload(session)
    create(session, request("killed-worker", "many/", "income", LONG_SECONDS))
    before = wait_for_candidates(session, "killed-worker")
    worker = server.worker_of("killed-worker")
    assert worker is not None
    worker.kill()
    check_that_it_went_on(session, "killed-worker", before)
    assert "attempt 2" in text_of(session, "killed-worker")


def test_a_deadline_ends_a_job_with_its_best_model(session: Session) -> None:
    body = write_rows([HEADER, *read_rows("adult.csv", 10_000)[1]])
    session.client("s3").put_object(Bucket=BUCKET, Key="all/rows.csv", Body=body)
    create(session, request("deadline", "all/", "income", 10))
    job = wait_for_end(session, "deadline")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert job["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"
    assert job["BestCandidate"]["InferenceContainers"]
    assert seconds_of(session, "deadline") <= 10 + 2
    states = {candidate["CandidateStatus"] for candidate in candidates(session, "deadline")}
    assert states <= {"Completed", "Stopped"}


def test_a_stopped_job_keeps_its_best_model(session: Session) -> None:
    upload(session)
    create(session, request("stopped", "many/", "income", 120))
    wait_for_candidates(session, "stopped")
    session.client("sagemaker").stop_auto_ml_job(AutoMLJobName="stopped")
    job = wait_for_end(session, "stopped")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert job["BestCandidate"]["CandidateStatus"] == "Completed"
    assert {candidate["CandidateStatus"] for candidate in candidates(session, "stopped")} <= {"Completed", "Stopped"}


@pytest.mark.usefixtures("tables")
def test_a_job_that_waits_is_stopped_at_once(session: Session) -> None:
    for number in range(3):
        create(session, request(f"queue-{number}", "adult/", "income", 120))
    for number in (2, 1, 0):
        session.client("sagemaker").stop_auto_ml_job(AutoMLJobName=f"queue-{number}")
    for number in range(3):
        assert wait_for_end(session, f"queue-{number}")["AutoMLJobStatus"] == "Stopped"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "home", {"GYROPILOT_LEASE_SECONDS": "3"})
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_comes_back_goes_on(own_server: RunningServer, number: signal.Signals) -> None:
    session = Session(home=own_server.home)
    session.client("s3").create_bucket(Bucket=BUCKET)
    upload(session)
    create(session, request("interrupted", "many/", "income", LONG_SECONDS))
    before = wait_for_candidates(session, "interrupted")
    create_endpoint(session, "live", before[0])
    wait_for_endpoint(session, "live")
    row = write_rows([ROWS[0][:-1]])
    answer = invoke(session, "live", row)

    own_server.end(number)
    session = own_server.start()

    def ask_again() -> str:
        try:
            return invoke(session, "live", row)
        except session.client("sagemaker-runtime").exceptions.ClientError as error:
            return str(error)

    assert wait_for(ask_again, lambda found: found == answer) == answer
    check_that_it_went_on(session, "interrupted", before)
