"""Reports on candidates, as a user finds them: by the locations that the API gives."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, candidates, create, request, text_of, wait_for_end

CASES = {
    "explained-classes": ("adult/", "income", "binary_classification_metrics", "F1"),
    "explained-amounts": ("diamonds/diamonds.csv", "price", "regression_metrics", "MSE"),
}
FILES = {"report.html", "report.ipynb"}
"""And `report.pdf`, where the machine has what it takes."""


@pytest.fixture(scope="module")
def explained(session: Session, tables: None) -> dict[str, Any]:
    """Jobs without a limit of time: reports have all that they need."""
    config = {
        "Mode": "ENSEMBLING",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "linear-learner"]}]},
        "CompletionCriteria": {"MaxCandidates": 2},
    }
    for name, (key, target, *_) in CASES.items():
        create(session, request(name, key, target, 0, AutoMLJobConfig=config))
    return {name: wait_for_end(session, name) for name in CASES}


def read_files(session: Session, location: str, candidate: str) -> dict[str, bytes]:
    """Return what lies below a location for a candidate, by file name."""
    s3 = session.client("s3")
    prefix = f"{location.removeprefix(f's3://{BUCKET}/')}/{candidate}/"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("name", list(CASES))
def test_the_best_candidate_is_explained(session: Session, explained: dict[str, Any], name: str) -> None:
    job = explained[name]
    best = job["BestCandidate"]
    location = best["CandidateProperties"]["CandidateArtifactLocations"]["Explainability"]
    assert location == f"s3://{BUCKET}/out/{name}/documentation/explainability/output"
    files = read_files(session, location, best["CandidateName"])
    assert {*files} >= FILES | {"analysis.json", "explanations_shap/baseline.csv", "explanations_shap/out.csv"}
    analysis = json.loads(files["analysis.json"])
    labels = analysis["explanations"]["kernel_shap"]
    columns = list(labels["label0"]["global_shap_values"])
    out = list(csv.reader(io.StringIO(files["explanations_shap/out.csv"].decode())))
    assert out[0] == [f"{column}_label0" for column in columns]
    assert len(out) - 1 == analysis["method"]["rows"] == analysis["method"]["rows_asked"] == 600
    assert files["explanations_shap/baseline.csv"].decode().splitlines()[0].split(",") == columns
    assert b"<svg" in files["report.html"]


@pytest.mark.parametrize("name", list(CASES))
def test_every_candidate_is_assessed(session: Session, explained: dict[str, Any], name: str) -> None:
    best = explained[name]["BestCandidate"]
    location = best["CandidateProperties"]["CandidateArtifactLocations"]["ModelInsights"]
    assert location == f"s3://{BUCKET}/out/{name}/documentation/model_monitor/output"
    *_, member, metric = CASES[name]
    for candidate in candidates(session, name, StatusEquals="Completed"):
        is_best = candidate["CandidateName"] == best["CandidateName"]
        files = read_files(session, location, candidate["CandidateName"])
        assert {*files} >= {"statistics.json", "graphs.json", "report.html"} | (FILES if is_best else set())
        objective = candidate["FinalAutoMLJobObjectiveMetric"]
        assert objective["MetricName"] == metric
        figure = json.loads(files["statistics.json"])[member][metric.lower()]
        assert figure["value"] == pytest.approx(objective["Value"], rel=1e-5)
        assert is_best or "CandidateArtifactLocations" not in candidate["CandidateProperties"]


def test_a_job_that_was_reported_on_is_completed(session: Session, explained: dict[str, Any]) -> None:
    for name, job in explained.items():
        assert job["AutoMLJobSecondaryStatus"] == "Completed"
        words = text_of(session, name)
        assert words.index("Step: GeneratingExplainabilityReport.") < words.index(
            "Step: GeneratingModelInsightsReport."
        )
