"""Transform jobs, with boto3 at the other end; the tests play the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from gyropilot.service.job_keeper import Outcome
from gyropilot.service.states import JobStatus, JobStep
from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import refused

SOURCE = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}}
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
AT_ONCE = {"Delay": 0, "MaxAttempts": 1}


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3, sagemaker = installation.client("s3"), installation.client("sagemaker")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="in/a.csv", Body=b"1,2\n")
        s3.put_object(Bucket="data", Key="model.tar.gz", Body=b"archive")
        container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/model.tar.gz"}
        sagemaker.create_model(ModelName="M", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        yield installation


def transform_request(name: str, **changes: Any) -> dict[str, Any]:
    """Return the parameters of a create call; of input and output the members given are changed only."""
    output = {"S3OutputPath": "s3://data/out/", **changes.pop("TransformOutput", {})}
    return {
        "TransformJobName": name,
        "ModelName": "M",
        "TransformInput": {**SOURCE, **changes.pop("TransformInput", {})},
        "TransformOutput": output,
        "TransformResources": RESOURCES,
        **changes,
    }


def end(filled: Installation, name: str, status: JobStatus, reason: str = "") -> None:
    filled.service.transforms.claim(name, "worker", 60)
    step = JobStep(status.value)
    filled.service.transforms.finish(name, "worker", Outcome(status=status, step=step, failure_reason=reason))


def test_a_job_from_its_creation_to_its_end(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    asked = transform_request(
        "Batch-1",
        MaxConcurrentTransforms=2,
        MaxPayloadInMB=50,
        BatchStrategy="MultiRecord",
        ModelClientConfig={"InvocationsMaxRetries": 1, "InvocationsTimeoutInSeconds": 60},
        Environment={"SAGEMAKER_INFERENCE_OUTPUT": "probability"},
        TransformInput={"ContentType": "text/csv", "CompressionType": "Gzip", "SplitType": "Line"},
        TransformOutput={"Accept": "text/csv", "AssembleWith": "Line"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input"},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    made = sagemaker.create_transform_job(**asked)
    assert made["TransformJobArn"] == IDENTITY.transform_job_arn("Batch-1")

    seen = sagemaker.describe_transform_job(TransformJobName="batch-1")
    assert (seen["TransformJobName"], seen["TransformJobStatus"]) == ("Batch-1", "InProgress")
    echoed = asked.keys() - {"TransformJobName", "DataProcessing", "TransformOutput", "Tags"}
    assert {name: seen[name] for name in echoed} == {name: asked[name] for name in echoed}
    assert seen["DataProcessing"] == {"InputFilter": "$[1:]", "OutputFilter": "$", "JoinSource": "Input"}
    assert seen["TransformOutput"] == {**asked["TransformOutput"], "KmsKeyId": ""}
    assert not {"TransformStartTime", "TransformEndTime", "FailureReason", "AutoMLJobArn", "Tags"} & seen.keys()
    assert sagemaker.list_tags(ResourceArn=made["TransformJobArn"])["Tags"] == asked["Tags"]

    end(filled, "Batch-1", JobStatus.COMPLETED)
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="Batch-1", WaiterConfig=AT_ONCE)
    seen = sagemaker.describe_transform_job(TransformJobName="Batch-1")
    assert seen["TransformJobStatus"] == "Completed"
    assert seen["CreationTime"] <= seen["TransformStartTime"] <= seen["TransformEndTime"]

    with pytest.raises(ClientError) as error:
        sagemaker.stop_transform_job(TransformJobName="Batch-1")
    assert refused(error) == (
        "ValidationException",
        "The request was rejected because the transform job is in status Completed.",
    )


def test_what_was_not_asked_for_has_its_default(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_transform_job(**transform_request("plain"))
    seen = sagemaker.describe_transform_job(TransformJobName="plain")
    assert seen["TransformInput"] == {**SOURCE, "CompressionType": "None", "SplitType": "None"}
    assert seen["TransformOutput"] == {"S3OutputPath": "s3://data/out/", "AssembleWith": "None", "KmsKeyId": ""}
    assert seen["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert not {"BatchStrategy", "MaxPayloadInMB", "MaxConcurrentTransforms", "Environment"} & seen.keys()
    assert filled.service.transforms.get("plain").transform.max_payload_bytes == 6 * 1024 * 1024


def test_a_failed_job_says_why(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_transform_job(**transform_request("failed"))
    end(filled, "failed", JobStatus.FAILED, "ClientError: s3://data/in/a.csv, line 2: no")
    with pytest.raises(WaiterError):
        sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="failed", WaiterConfig=AT_ONCE)
    seen = sagemaker.describe_transform_job(TransformJobName="failed")
    assert seen["FailureReason"] == "ClientError: s3://data/in/a.csv, line 2: no"


def test_a_stopped_job(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_transform_job(**transform_request("stopped"))
    sagemaker.stop_transform_job(TransformJobName="stopped")
    sagemaker.stop_transform_job(TransformJobName="stopped")
    assert sagemaker.describe_transform_job(TransformJobName="stopped")["TransformJobStatus"] == "Stopping"
    filled.service.supervisor.tick()
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="stopped", WaiterConfig=AT_ONCE)


def test_jobs_are_listed(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    for name in ("list-a", "list-b", "list-c"):
        sagemaker.create_transform_job(**transform_request(name))
    end(filled, "list-b", JobStatus.COMPLETED)
    paginator = sagemaker.get_paginator("list_transform_jobs")
    pages = paginator.paginate(NameContains="list-", PaginationConfig={"PageSize": 2})
    found = [job for page in pages for job in page["TransformJobSummaries"]]
    assert [job["TransformJobName"] for job in found] == ["list-c", "list-b", "list-a"]
    assert [job["TransformJobStatus"] for job in found] == ["InProgress", "Completed", "InProgress"]
    by_name = sagemaker.list_transform_jobs(SortBy="Name", SortOrder="Ascending", NameContains="list-", MaxResults=1)
    assert by_name["TransformJobSummaries"][0]["TransformJobArn"] == IDENTITY.transform_job_arn("list-a")
    ended = sagemaker.list_transform_jobs(StatusEquals="Completed", NameContains="list-")["TransformJobSummaries"]
    assert [job["TransformEndTime"] >= job["CreationTime"] for job in ended] == [True]


LINES = {"TransformInput": {"SplitType": "Line"}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TransformJobName": "no_underscore"}, "1 validation error detected: Value 'no_underscore' at"),
        ({"ModelName": "none"}, f'Could not find model "{IDENTITY.model_arn("none")}".'),
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB must be less than or equal to 100, not 101."),
        (
            {"MaxPayloadInMB": 51, "MaxConcurrentTransforms": 2},
            "MaxConcurrentTransforms * MaxPayloadInMB must be less than or equal to 100, not 2 * 51.",
        ),
        ({"TransformInput": {"SplitType": "RecordIO"}}, "SplitType RecordIO is not supported"),
        ({"TransformInput": {"SplitType": "Word"}}, "Member must satisfy enum value set: [None, Line, RecordIO"),
        (
            {"TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "Converse", "S3Uri": "s3://data/in/"}}}},
            "S3DataType Converse is not supported",
        ),
        (
            {"TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/no/"}}}},
            "No objects found under s3://data/no/.",
        ),
        ({"TransformOutput": {"S3OutputPath": "s3://missing/"}}, "Could not access s3://missing/"),
        ({"DataProcessing": {"InputFilter": "$[1:]"}}, "DataProcessing requires SplitType Line"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, **LINES},
            "JoinSource Input and OutputFilter require AssembleWith",
        ),
        ({"DataProcessing": {"InputFilter": "$..a"}, **LINES}, "InputFilter '$..a' is not a valid JSONPath"),
        ({"DataProcessing": {"InputFilter": "$" * 64}}, "Member must have length less than or equal to 63"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://data/x"}}, "does not support DataCaptureConfig yet"),
        ({"Tags": [{"Key": "a", "Value": ""}] * 2}, "different keys"),
    ],
)
def test_requests_that_break_a_rule(filled: Installation, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_transform_job(**transform_request("fresh", **changes))
    assert refused(error)[0] == "ValidationException"
    assert words in refused(error)[1]


def test_a_name_is_taken_once(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_transform_job(**transform_request("Taken"))
    with pytest.raises(ClientError) as error:
        sagemaker.create_transform_job(**transform_request("taken"))
    assert refused(error) == (
        "ResourceInUse",
        "Transform job names must be unique within an AWS account and region, and a transform job with this name "
        f"already exists ({IDENTITY.transform_job_arn('Taken')})",
    )


def test_a_log_is_found_as_the_sagemaker_sdk_looks_for_it(filled: Installation) -> None:
    filled.client("sagemaker").create_transform_job(**transform_request("logged"))
    filled.service.transforms.log("logged", ["line one"])
    logs, group = filled.client("logs"), "/aws/sagemaker/TransformJobs"
    found = logs.describe_log_streams(
        logGroupName=group, logStreamNamePrefix="logged/", orderBy="LogStreamName", limit=1
    )
    (stream,) = found["logStreams"]
    where = {"logGroupName": group, "logStreamName": stream["logStreamName"], "startTime": 0, "startFromHead": True}
    assert [event["message"] for event in logs.get_log_events(**where)["events"]] == ["line one"]
