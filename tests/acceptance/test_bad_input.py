"""What a user does wrong, and what the server says."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, create, describe, read_rows, request, seconds_of, wait_for_end, write_rows

pytestmark = pytest.mark.usefixtures("tables")


def refuse(session: Session, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        create(session, request(**parameters))
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_target_that_is_not_there(session: Session) -> None:
    answer = refuse(session, name="no-target", key="adult/", target="y", seconds=5)
    assert answer == ("ValidationException", "Target attribute name y does not exist in header.")


def test_a_bucket_that_is_not_there(session: Session) -> None:
    output = {"S3OutputPath": "s3://no-such-bucket/out"}
    code, message = refuse(session, name="no-bucket", key="adult/", target="income", seconds=5, OutputDataConfig=output)
    assert code == "ValidationException"
    assert "s3://no-such-bucket/out" in message


def test_data_that_is_not_there(session: Session) -> None:
    code, message = refuse(session, name="no-data", key="nothing/", target="income", seconds=5)
    assert code == "ValidationException"
    assert f"s3://{BUCKET}/nothing/" in message


def test_an_empty_file(session: Session) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key="empty.csv", Body=b"")
    code, message = refuse(session, name="empty", key="empty.csv", target="y", seconds=5)
    assert code == "ValidationException"
    assert f"s3://{BUCKET}/empty.csv" in message


def test_a_name_in_other_letters(session: Session) -> None:
    create(session, request("taken", "adult/", "income", 5))
    code, message = refuse(session, name="TAKEN", key="adult/", target="income", seconds=5)
    assert code == "ResourceInUse"
    assert "taken" in message.lower()
    session.client("sagemaker").stop_auto_ml_job(AutoMLJobName="taken")


def test_an_unknown_job(session: Session) -> None:
    with pytest.raises(ClientError) as caught:
        describe(session, "unknown")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_an_unknown_endpoint(session: Session) -> None:
    with pytest.raises(ClientError) as caught:
        session.client("sagemaker-runtime").invoke_endpoint(EndpointName="unknown", Body=b"1")
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == f"Endpoint unknown of account {session.account_id} not found."


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sagemaker", "list_auto_ml_jobs", {}),
        ("s3", "list_buckets", {}),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "unknown", "Body": b"1"}),
    ],
)
def test_a_wrong_signature(session: Session, service: str, operation: str, parameters: dict[str, Any]) -> None:
    keys = session.environment()
    connect: Any = boto3.Session().client
    client = connect(
        service,
        endpoint_url=session.endpoint_url,
        region_name=session.region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="not the secret",
        config=Config(proxies={}),
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "Signature" in caught.value.response["Error"]["Code"]


def test_one_class_only(session: Session) -> None:
    header, rows = read_rows("adult.csv", 300)
    same = [[*row[:-1], "<=50K"] for row in rows]
    session.client("s3").put_object(Bucket=BUCKET, Key="same/same.csv", Body=write_rows([header, *same]))
    create(session, request("one-class", "same/", "income", 20))
    job = wait_for_end(session, "one-class")
    assert job["AutoMLJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert "income" in job["FailureReason"]
    assert "BestCandidate" not in job


def test_a_second_is_enough_to_end_on_time(session: Session) -> None:
    create(session, request("one-second", "adult/", "income", 1))
    began = time.monotonic()
    job = wait_for_end(session, "one-second")
    if job["AutoMLJobStatus"] == "Completed":
        assert job["BestCandidate"]["InferenceContainers"]
    else:
        assert job["AutoMLJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: The job's limit of 1 s ended")
    assert time.monotonic() - began < 60
    assert seconds_of(session, "one-second") <= 1 + 2
