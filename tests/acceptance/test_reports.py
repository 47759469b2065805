"""What a job writes for people to read."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    create,
    describe,
    read_rows,
    request,
    wait_for_end,
    write_rows,
)

NOTEBOOK = "SageMakerAutopilotDataExplorationNotebook.ipynb"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("reports"), {"GYROPILOT_REPORTS": "all"})
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def session(server: RunningServer) -> Session:
    opened = Session(home=server.home)
    s3 = opened.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    header, rows = read_rows("adult.csv", 400)
    s3.put_object(Bucket=BUCKET, Key="adult/adult.csv", Body=write_rows([header, *rows]))
    return opened


@pytest.fixture(scope="module")
def job(session: Session) -> Any:
    made = request("told", "adult/", "income", 120)
    made["AutoMLJobConfig"]["CompletionCriteria"]["MaxCandidates"] = 4
    create(session, made)
    wait_for_end(session, "told")
    return describe(session, "told")


def read(session: Session, key: str) -> str:
    body = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert isinstance(body, bytes)
    return body.decode()


def test_the_exploration_is_named_and_runs(session: Session, job: Any) -> None:
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    place = job["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"]
    assert place == f"s3://{BUCKET}/out/told/sagemaker-automl-candidates/notebooks/{NOTEBOOK}"
    notebook = nbformat.reads(read(session, place.partition(f"{BUCKET}/")[2]), as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    assert "income" in notebook.cells[0].source
    page = read(session, "out/told/documentation/data-exploration.html")
    assert "Data exploration: told" in page
    assert json.loads(read(session, "out/told/documentation/data-exploration.json"))["rows"] == 400


def test_the_leaderboard_names_every_candidate(session: Session, job: Any) -> None:
    page = read(session, "out/told/documentation/leaderboard.html")
    names = [
        each["CandidateName"]
        for each in session.client("sagemaker").list_candidates_for_auto_ml_job(AutoMLJobName="told")["Candidates"]
    ]
    assert len(names) == 4
    assert all(name in page for name in names)
    assert "When each candidate was trained" in page
    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []


def test_a_job_that_only_defines_its_candidates_explores_its_data(session: Session) -> None:
    create(
        session, request("planned", "adult/", "income", 0, AutoMLJobConfig={}, GenerateCandidateDefinitionsOnly=True)
    )
    made = wait_for_end(session, "planned")
    place = made["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"]
    assert re.search(rf"/planned/sagemaker-automl-candidates/pr-1-\w+/notebooks/{NOTEBOOK}$", place)
