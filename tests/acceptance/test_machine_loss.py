"""A machine that goes down, with the server, the workers and their lanes, again and again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    candidates,
    create,
    describe,
    is_over,
    read_rows,
    request,
    wait_for,
    wait_for_candidates,
    wait_for_end,
    write_rows,
)

SECONDS = 400
"""Far more than the candidates need, so that a slow machine that goes down six times gets through as well."""
HEADER, ROWS = read_rows("adult.csv", 2000)
ALGORITHMS = {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "xgboost", "linear-learner", "randomforest"]}]}
SETTINGS = {
    "GYROPILOT_LEASE_SECONDS": "2",
    "GYROPILOT_MAX_RUNNING_JOBS": "2",
    "GYROPILOT_MAX_ATTEMPTS": "50",  # a machine that goes down is no fault of the job
}


def ask_for(session: Session, name: str) -> None:
    config = {
        "Mode": "ENSEMBLING",
        "CandidateGenerationConfig": ALGORITHMS,
        "CompletionCriteria": {"MaxCandidates": 6, "MaxAutoMLJobRuntimeInSeconds": SECONDS},
    }
    create(session, request(name, "rows/", "income", SECONDS, AutoMLJobConfig=config))


# --- the moments ------------------------------------------------------------------------------------------------------


def while_a_job_is_created(server: RunningServer, session: Session) -> None:
    """The answer may be lost, the job may not be there twice."""
    with ThreadPoolExecutor(1) as asker:
        asked = asker.submit(ask_for, session, "cut-off")
        records = server.home / "records.db-wal"
        size = records.stat().st_size
        wait_for(lambda: records.stat().st_size > size or asked.done(), bool, pause_seconds=0)
        server.lose_machine()
        assert isinstance(asked.exception(), BotoCoreError | None)


def before_a_worker_claims(server: RunningServer, session: Session) -> None:
    """The answer is there, so the job must be."""
    ask_for(session, "acknowledged")
    server.lose_machine()


def when_workers_have_begun(server: RunningServer, session: Session) -> None:
    wait_for(lambda: server.worker_of("first"), lambda worker: worker is not None)
    wait_for(lambda: describe(session, "first")["AutoMLJobSecondaryStatus"], lambda step: step != "Starting")
    server.lose_machine()


def while_a_model_is_stored(server: RunningServer, session: Session) -> None:
    """Or right after it, when it was too quick."""
    temporary = server.home / "blobs" / "temporary"
    before = {path.name for path in temporary.iterdir()}
    wait_for(
        lambda: [path for path in temporary.iterdir() if path.name not in before],
        lambda found: bool(found) or is_over(describe(session, "first")),
        pause_seconds=0,
    )
    server.lose_machine()


def when_a_candidate_is_there(server: RunningServer, session: Session) -> None:
    wait_for_candidates(session, "first")
    server.lose_machine()


def some_time_later(server: RunningServer, session: Session) -> None:
    """After so many questions, which is as good as any moment."""
    for _ in range(random.Random(4).randint(20, 400)):
        describe(session, "first")
    server.lose_machine()


MOMENTS: tuple[Callable[[RunningServer, Session], None], ...] = (
    before_a_worker_claims,
    while_a_job_is_created,
    when_workers_have_begun,
    while_a_model_is_stored,
    when_a_candidate_is_there,
    some_time_later,
)


# --- the test ---------------------------------------------------------------------------------------------------------


def finished(session: Session, job: str) -> dict[str, Any]:
    """Return a job's candidates that have ended; no name is there twice."""
    found = candidates(session, job, MaxResults=100)
    assert max(Counter(candidate["CandidateName"] for candidate in found).values(), default=0) <= 1
    return {candidate["CandidateName"]: candidate for candidate in found if candidate["CandidateStatus"] == "Completed"}


def list_models(session: Session, job: str) -> list[str]:
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"out/{job}/")
    return [found["Key"] for page in pages for found in page.get("Contents", ()) if found["Key"].endswith(".tar.gz")]


def check_that_it_is_whole(session: Session, job: str, before: dict[str, Any]) -> None:
    """Check that a job ended well, with the candidates that it had, and that each has its model."""
    ended = wait_for_end(session, job)
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    after = finished(session, job)
    assert {name: after.get(name) for name in before} == before
    assert ended["BestCandidate"]["CandidateName"] in after
    for candidate in after.values():
        key = candidate["InferenceContainers"][0]["ModelDataUrl"].removeprefix(f"s3://{BUCKET}/")
        assert session.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    assert len(set(list_models(session, job))) == len(list_models(session, job))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "home", SETTINGS)
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.lose_machine()


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_is_done_twice(server: RunningServer) -> None:
    session = Session(home=server.home)
    session.client("s3").create_bucket(Bucket=BUCKET)
    session.client("s3").put_object(Bucket=BUCKET, Key="rows/rows.csv", Body=write_rows([HEADER, *ROWS]))
    ask_for(session, "first")
    before: dict[str, Any] = {}
    for strike in MOMENTS:
        programs = psutil.Process(server.process.pid if server.process else 0).children(recursive=True)
        strike(server, session)
        assert not [program for program in programs if program.is_running()]
        session = server.start()
        after = finished(session, "first")
        assert {name: after.get(name) for name in before} == before
        before = after
    names = [job["AutoMLJobName"] for job in session.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]]
    assert sorted(set(names) - {"cut-off"}) == ["acknowledged", "first"]
    assert len(names) == len(set(names))
    if "cut-off" not in names:
        ask_for(session, "cut-off")
    with pytest.raises(ClientError, match="ResourceInUse"):
        ask_for(session, "CUT-OFF")
    check_that_it_is_whole(session, "first", before)
    for name in ("acknowledged", "cut-off"):
        check_that_it_is_whole(session, name, {})
