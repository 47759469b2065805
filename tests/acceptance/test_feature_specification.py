"""A job that says which columns it learns from, through the real server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.conftest import SECONDS
from tests.acceptance.running import (
    BUCKET,
    create,
    create_endpoint,
    describe,
    invoke,
    read_rows,
    request,
    text_of,
    wait_for_end,
    wait_for_endpoint,
    without,
    write_rows,
)

pytestmark = pytest.mark.usefixtures("tables")

COLUMNS = ["age", "education", "capital_gain", "hours_per_week"]


def request_with(session: Session, name: str, document: Any) -> dict[str, Any]:
    """Store a specification and return the request of a job that names it."""
    session.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.json", Body=json.dumps(document).encode())
    made = request(name, "adult/", "income", SECONDS)
    made["AutoMLJobConfig"] |= {
        "CandidateGenerationConfig": {"FeatureSpecificationS3Uri": f"s3://{BUCKET}/{name}.json"},
        "CompletionCriteria": {"MaxCandidates": 1},
    }
    return made


def test_only_the_chosen_columns_matter(session: Session) -> None:
    header, rows = read_rows("adult.csv", 40)
    made = request_with(
        session,
        "chosen",
        {"FeatureAttributeNames": COLUMNS, "FeatureDataTypes": {"age": "numeric", "education": "categorical"}},
    )
    create(session, made)
    job = wait_for_end(session, "chosen")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    assert job["AutoMLJobConfig"] == describe(session, "chosen")["AutoMLJobConfig"] == made["AutoMLJobConfig"]
    assert "4 feature columns" in text_of(session, "chosen")
    create_endpoint(session, "chosen", job["BestCandidate"], SAGEMAKER_INFERENCE_OUTPUT="probability")
    wait_for_endpoint(session, "chosen")
    places = {name: header.index(name) for name in header}
    asked = without(places["income"], rows)
    answers = invoke(session, "chosen", write_rows(asked))
    others = [name for name in header if name not in {*COLUMNS, "income"}]
    for row in asked:
        for name in others:
            row[places[name] - (places[name] > places["income"])] = "something else"
    assert invoke(session, "chosen", write_rows(asked)) == answers
    for row in asked:
        row[places["age"]] = "90"
    assert invoke(session, "chosen", write_rows(asked)) != answers


@pytest.mark.parametrize(
    ("name", "document", "words"),
    [
        ("spec-target", {"FeatureAttributeNames": ["age", "income"]}, "it holds the target attribute income"),
        ("spec-unknown", {"FeatureAttributeNames": ["age", "Age"]}, "not in the header: [Age]"),
        ("spec-type", {"FeatureDataTypes": {"age": "number"}}, "unknown types [age: number]"),
        ("spec-list", ["age"], "it must be a JSON object, not list"),
    ],
)
def test_a_wrong_specification_is_refused(session: Session, name: str, document: Any, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        create(session, request_with(session, name, document))
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert f"Invalid feature specification s3://{BUCKET}/{name}.json: " in error["Message"]
    assert words in error["Message"]


def test_a_specification_that_is_not_there_is_refused(session: Session) -> None:
    made = request_with(session, "spec-gone", {})
    session.client("s3").delete_object(Bucket=BUCKET, Key="spec-gone.json")
    with pytest.raises(ClientError, match=f"Could not access the feature specification s3://{BUCKET}/spec-gone.json"):
        create(session, made)
