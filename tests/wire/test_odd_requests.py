"""Requests that are wrong in one place: each is refused or served, none makes the server fail."""

from __future__ import annotations

import copy
import io
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gyropilot.api.application import Application
from gyropilot.api.models import load_service
from gyropilot.api.operations.catalogue import SERVED
from gyropilot.api.wire import WireRequest
from tests.wire.generate import Generator
from tests.wire.installation import IDENTITY, KEY, ROLE, SECRET, EchoModel, OneKey, build_test_service
from tests.wire.requests import job_request

ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1e308, "", "x", "\0", "../..", "ä🙂", "A" * 10_000, "s3://", "s3://../..", "s3://../a.tar.gz",
    "s3://data/\0.tar.gz",  [], [[]],
    {}, {"x": {}}, [None], {"Key": 1},
)  # fmt: skip
CODES = {
    "ValidationException",
    "SerializationException",
    "ResourceInUse",
    "ResourceNotFound",
    "InvalidParameterException",
    "InvalidParameterValueException",
    "ResourceNotFoundException",
}
JSON_SERVED = [served for served in SERVED if load_service(served.service).protocol == "json"]

SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}
TAGS = [{"Key": "team", "Value": "a"}]
CONTAINER = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/model.tar.gz", "Environment": {"A": "b"}}
VARIANT = {"VariantName": "v", "ModelName": "M", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
PAGE = {"MaxResults": 10, "NameContains": "a", "CreationTimeAfter": 1, "SortBy": "Name", "SortOrder": "Ascending"}
METRIC = {"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency"}
DIMENSIONS = [{"Name": "EndpointName", "Value": "E"}, {"Name": "VariantName", "Value": "v"}]
SPAN = {"StartTime": 1, "EndTime": 120}
GOOD: dict[str, dict[str, Any]] = {
    "CreateAutoMLJob": job_request("odd", Tags=TAGS),
    "CreateAutoMLJobV2": {
        "AutoMLJobName": "odd-2",
        "AutoMLJobInputDataConfig": [{"DataSource": SOURCE, "ChannelType": "training"}],
        "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": "y",
                "Mode": "ENSEMBLING",
                "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]},
            }
        },
        "DataSplitConfig": {"ValidationFraction": 0.2},
        "RoleArn": ROLE,
    },
    "CreateModel": {"ModelName": "M-2", "ExecutionRoleArn": ROLE, "Containers": [CONTAINER], "Tags": TAGS},
    "CreateEndpointConfig": {
        "EndpointConfigName": "C-2",
        "ProductionVariants": [VARIANT],
        "DataCaptureConfig": {
            "InitialSamplingPercentage": 10,
            "DestinationS3Uri": "s3://data/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://data/out"}},
        "Tags": TAGS,
    },
    "UpdateEndpointWeightsAndCapacities": {
        "EndpointName": "E",
        "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 1.0, "DesiredInstanceCount": 2}],
    },
    "CreateEndpoint": {"EndpointName": "E-2", "EndpointConfigName": "C", "Tags": TAGS},
    "AddTags": {"ResourceArn": IDENTITY.model_arn("M"), "Tags": TAGS},
    "DeleteTags": {"ResourceArn": IDENTITY.model_arn("M"), "TagKeys": ["team"]},
    "ListAutoMLJobs": PAGE,
    "ListModels": PAGE,
    "ListEndpoints": {**PAGE, "StatusEquals": "InService"},
    "ListTrainingJobs": PAGE,
    "ListCandidatesForAutoMLJob": {"AutoMLJobName": "made", "SortBy": "Status", "StatusEquals": "Completed"},
    "GetMetricData": {
        "MetricDataQueries": [
            {"Id": "q", "MetricStat": {"Metric": {**METRIC, "Dimensions": DIMENSIONS}, "Period": 60, "Stat": "p99"}}
        ],
        **SPAN,
    },
    "GetMetricStatistics": {**METRIC, "Dimensions": DIMENSIONS, **SPAN, "Period": 60, "Statistics": ["Sum"]},
    "ListMetrics": {**METRIC, "Dimensions": DIMENSIONS},
    "FilterLogEvents": {"logGroupName": "/g", "filterPattern": '"a b" -c ?d', "startTime": 1, "endTime": 2},
    "GetLogEvents": {"logGroupName": "/g", "logStreamName": "s", "startTime": 1, "limit": 2, "nextToken": "f/1"},
}


class Caller:
    """Signs requests and hands them to the application."""

    def __init__(self) -> None:
        self.service = build_test_service(EchoModel())
        self._application = Application(self.service, OneKey())

    def call(self, service: str, operation: str, document: object) -> tuple[int, Any]:
        return self.send(service, operation, orjson.dumps(document))

    def send(self, service: str, operation: str, body: bytes) -> tuple[int, Any]:
        target = f"{load_service(service).metadata['targetPrefix']}.{operation}"
        signed = AWSRequest(
            method="POST", url="http://host/", data=body, headers={"host": "host", "x-amz-target": target}
        )
        SigV4Auth(Credentials(KEY, SECRET), load_service(service).signing_name, "us-east-1").add_auth(signed)
        headers = {name.lower(): value for name, value in signed.headers.items()}
        answer = self._application.handle(
            WireRequest(method="POST", path="/", query="", headers=headers, body=io.BytesIO(body), length=len(body))
        )
        assert isinstance(answer.body, bytes)
        return answer.status, orjson.loads(answer.body)


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller()
    blobs = caller.service.blobs
    blobs.create_bucket("data")
    blobs.put("data", "train/a.csv", io.BytesIO(b"x,y\n1,a\n2,b\n"))
    blobs.put("data", "model.tar.gz", io.BytesIO(b"archive"))
    for operation, request in (
        ("CreateAutoMLJob", job_request("made")),
        ("CreateModel", GOOD["CreateModel"] | {"ModelName": "M"}),
        ("CreateEndpointConfig", GOOD["CreateEndpointConfig"] | {"EndpointConfigName": "C"}),
        ("CreateEndpoint", GOOD["CreateEndpoint"] | {"EndpointName": "E"}),
    ):
        assert caller.call("sagemaker", operation, request)[0] == 200
    return caller


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every value of a document."""
    steps = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in steps:
        yield (*path, step)
        yield from places(value, (*path, step))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def check(status: int, answer: Any) -> None:
    assert status < 500, answer
    if status >= 400:
        assert answer["__type"] in CODES
        assert answer["message"]


@pytest.mark.parametrize("operation", GOOD)
def test_one_odd_value_is_refused_or_served(caller: Caller, operation: str) -> None:
    service = next(served.service for served in JSON_SERVED if served.name == operation)
    for path in places(GOOD[operation]):
        for value in ODD_VALUES:
            check(*caller.call(service, operation, put(GOOD[operation], path, value)))


@pytest.mark.parametrize("served", JSON_SERVED, ids=lambda served: served.name)
def test_documents_of_the_right_types_are_refused_or_served(caller: Caller, served: Any) -> None:
    generator = Generator(random.Random(11))
    shape = load_service(served.service).operation_model(served.name).input_shape
    for _ in range(30):
        document = generator.document(shape)
        check(*caller.call(served.service, served.name, orjson.loads(orjson.dumps(document, default=_write))))


def _write(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value.timestamp()


@pytest.mark.parametrize("served", JSON_SERVED, ids=lambda served: served.name)
def test_bytes_that_are_no_document_are_refused_or_served(caller: Caller, served: Any) -> None:
    deep = b'{"Unknown":' * 100_000
    for body in (b"null", b"1", b'"x"', b"[]", b'{"":""}', b"{", b"\xff", b"\0", deep, deep + b"1" + b"}" * 100_000):
        check(*caller.send(served.service, served.name, body))
