"""Reports on candidates, as a user finds them: by the locations that the API gives."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    candidates,
    create,
    read_rows,
    request,
    text_of,
    wait_for_end,
    write_rows,
)

JOB = "explained"
PLACE = f"s3://{BUCKET}/out/{JOB}/documentation"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    running = RunningServer(tmp_path_factory.mktemp("home"), {"GYROPILOT_REPORTS": "all"})
    opened = running.start()
    yield opened
    running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def job(session: Session) -> Any:
    """A job without a limit of time: its reports have all that they need."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    header, rows = read_rows("diamonds.csv", 300)
    s3.put_object(Bucket=BUCKET, Key="diamonds/diamonds.csv", Body=write_rows([header, *rows]))
    config = {
        "Mode": "ENSEMBLING",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "linear-learner"]}]},
        "CompletionCriteria": {"MaxCandidates": 2},
    }
    create(session, request(JOB, "diamonds/diamonds.csv", "price", 0, AutoMLJobConfig=config))
    return wait_for_end(session, JOB)


def read_files(session: Session, location: str, candidate: str) -> dict[str, bytes]:
    """Return what lies below a location for a candidate, by file name."""
    s3 = session.client("s3")
    prefix = f"{location.removeprefix(f's3://{BUCKET}/')}/{candidate}/"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def test_the_best_candidate_is_explained(session: Session, job: Any) -> None:
    best = job["BestCandidate"]
    location = best["CandidateProperties"]["CandidateArtifactLocations"]["Explainability"]
    assert location == f"{PLACE}/explainability/output"
    files = read_files(session, location, best["CandidateName"])
    assert {*files} >= {
        *("analysis.json", "explanations_shap/baseline.csv", "explanations_shap/out.csv"),
        *("report.html", "report.ipynb"),
    }
    analysis = json.loads(files["analysis.json"])
    columns = list(analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"])
    assert columns == ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"]
    out = list(csv.reader(io.StringIO(files["explanations_shap/out.csv"].decode())))
    assert out[0] == [f"{column}_label0" for column in columns]
    assert len(out) - 1 == analysis["method"]["rows"] == analysis["method"]["rows_asked"] == 300
    assert files["explanations_shap/baseline.csv"].decode().splitlines()[0].split(",") == columns
    assert re.findall(rb"(?:src|href)=\"(?!#)", files["report.html"]) == []


def test_every_candidate_is_assessed(session: Session, job: Any) -> None:
    best = job["BestCandidate"]
    location = best["CandidateProperties"]["CandidateArtifactLocations"]["ModelInsights"]
    assert location == f"{PLACE}/model_monitor/output"
    made = candidates(session, JOB, StatusEquals="Completed")
    assert len(made) == 2
    for candidate in made:
        is_best = candidate["CandidateName"] == best["CandidateName"]
        files = read_files(session, location, candidate["CandidateName"])
        assert {*files} >= {"statistics.json", "graphs.json", "report.html"}
        assert ("report.ipynb" in files) == is_best
        figure = json.loads(files["statistics.json"])["regression_metrics"]["mse"]
        assert figure["value"] == pytest.approx(candidate["FinalAutoMLJobObjectiveMetric"]["Value"], rel=1e-5)
        assert is_best or "CandidateArtifactLocations" not in candidate["CandidateProperties"]


def test_a_job_that_was_reported_on_is_completed(session: Session, job: Any) -> None:
    assert job["AutoMLJobSecondaryStatus"] == "Completed", job
    words = text_of(session, JOB)
    steps = ("TrainingModels", "GeneratingExplainabilityReport", "GeneratingModelInsightsReport")
    assert sorted(steps, key=lambda step: words.index(f"Step: {step}.")) == list(steps)
