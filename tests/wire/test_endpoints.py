"""Endpoints as boto3 sees them; the model answers with what it was asked, and the tests play the supervisor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.states import EndpointStatus
from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import refused

VARIANT = {"VariantName": "v", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    """An installation with a bucket and a model."""
    with run_installation() as installation:
        s3 = installation.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="model.tar.gz", Body=b"a model")
        container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/model.tar.gz"}
        installation.client("sagemaker").create_model(
            ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container
        )
        yield installation


def serve(filled: Installation, name: str, *variants: dict[str, Any], **config: Any) -> None:
    """Create an endpoint, whose configuration has the same name, and bring it into service."""
    sagemaker = filled.client("sagemaker")
    shares = [{**VARIANT, **variant} for variant in variants or ({},)]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=shares, **config)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    for variant in shares:
        filled.service.book.write(name, str(variant["VariantName"]), ["http://model"])
    filled.service.endpoints.move(name, EndpointStatus.IN_SERVICE)


# --- weights and numbers of servers -----------------------------------------------------------------------------------


def test_weights_and_numbers_of_servers_change(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    serve(filled, "Shared", {"VariantName": "a"}, {"VariantName": "b", "InitialVariantWeight": 2.0})
    wanted = {"VariantName": "b", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}
    answer = sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="Shared", DesiredWeightsAndCapacities=[wanted]
    )
    assert answer["EndpointArn"] == IDENTITY.endpoint_arn("Shared")
    seen = sagemaker.describe_endpoint(EndpointName="Shared")
    assert seen["EndpointStatus"] == "Updating"
    assert "PendingDeploymentSummary" not in seen
    first, second = seen["ProductionVariants"]
    assert (second["CurrentWeight"], second["DesiredWeight"]) == (2.0, 0.5)
    assert (second["CurrentInstanceCount"], second["DesiredInstanceCount"]) == (1, 3)
    assert (first["CurrentWeight"], first["DesiredWeight"]) == (1.0, 1.0)
    with pytest.raises(ClientError) as error:
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="Shared", DesiredWeightsAndCapacities=[wanted])
    assert refused(error)[1].startswith("Cannot update in-progress endpoint")
    filled.service.endpoints.finish_update("Shared")
    seen = sagemaker.describe_endpoint(EndpointName="Shared")
    assert seen["EndpointStatus"] == "InService"
    assert (seen["ProductionVariants"][1]["CurrentWeight"], seen["ProductionVariants"][1]["DesiredWeight"]) == (
        0.5,
        0.5,
    )


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ({"VariantName": "none", "DesiredWeight": 1.0}, "Variant none not found for endpoint Whole."),
        ({"VariantName": "v", "DesiredInstanceCount": 0}, "must be at least 1, not 0"),
        ({"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}, "does not support ServerlessUpdate"),
    ],
)
def test_shares_that_cannot_be_are_refused(filled: Installation, share: dict[str, Any], message: str) -> None:
    sagemaker = filled.client("sagemaker")
    if not sagemaker.list_endpoints(NameContains="Whole")["Endpoints"]:
        serve(filled, "Whole")
    with pytest.raises(ClientError) as error:
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="Whole", DesiredWeightsAndCapacities=[share])
    assert refused(error)[0] == "ValidationException"
    assert message in refused(error)[1]


# --- data capture -----------------------------------------------------------------------------------------------------

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://data/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


def test_captured_data_lies_where_model_monitors_look(filled: Installation) -> None:
    sagemaker, runtime = filled.client("sagemaker"), filled.client("sagemaker-runtime")
    serve(filled, "Captured", DataCaptureConfig=CAPTURE)
    assert sagemaker.describe_endpoint_config(EndpointConfigName="Captured")["DataCaptureConfig"] == CAPTURE
    shown = {"EnableCapture": True, "CurrentSamplingPercentage": 100, "DestinationS3Uri": "s3://data/captured"}
    shown |= {"CaptureStatus": "Started", "KmsKeyId": ""}
    assert sagemaker.describe_endpoint(EndpointName="Captured")["DataCaptureConfig"] == shown
    runtime.invoke_endpoint(EndpointName="Captured", Body=b"1,2", ContentType="text/csv", InferenceId="mine")
    filled.service.capture.write(everything=True)
    s3 = filled.client("s3")
    (found,) = s3.list_objects_v2(Bucket="data", Prefix="captured/Captured/v/")["Contents"]
    line = json.loads(s3.get_object(Bucket="data", Key=found["Key"])["Body"].read())
    assert line["captureData"]["endpointInput"]["data"] == "1,2"
    assert line["captureData"]["endpointOutput"]["data"] == "answer:1,2"
    assert line["eventMetadata"]["inferenceId"] == "mine"


def test_a_destination_must_be_there(filled: Installation) -> None:
    elsewhere = {**CAPTURE, "DestinationS3Uri": "s3://missing/captured"}
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_endpoint_config(
            EndpointConfigName="Elsewhere", ProductionVariants=[VARIANT], DataCaptureConfig=elsewhere
        )
    assert refused(error)[1] == "Could not access s3://missing/captured: the bucket does not exist."


def test_an_update_may_leave_what_is_captured(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    serve(filled, "Kept", DataCaptureConfig=CAPTURE)
    sagemaker.create_endpoint_config(EndpointConfigName="Plain", ProductionVariants=[VARIANT])
    for excluded, is_kept in (([], True), ([{"VariantPropertyType": "DataCaptureConfig"}], False)):
        sagemaker.update_endpoint(
            EndpointName="Kept",
            EndpointConfigName="Plain",
            RetainAllVariantProperties=True,
            ExcludeRetainedVariantProperties=excluded,
        )
        filled.service.endpoints.finish_update("Kept")
        assert ("DataCaptureConfig" in sagemaker.describe_endpoint(EndpointName="Kept")) == is_kept


# --- scaling ----------------------------------------------------------------------------------------------------------


def test_hints_for_scaling_are_shown(filled: Installation) -> None:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    hints = {"ManagedInstanceScaling": scaling, "RoutingConfig": routing}
    serve(filled, "Hinted", hints, {"VariantName": "w", "ServerlessConfig": serverless})
    first, second = filled.client("sagemaker").describe_endpoint(EndpointName="Hinted")["ProductionVariants"]
    assert (first["ManagedInstanceScaling"], first["RoutingConfig"]) == (scaling, routing)
    assert second["CurrentServerlessConfig"] == second["DesiredServerlessConfig"] == serverless
    config = filled.client("sagemaker").describe_endpoint_config(EndpointConfigName="Hinted")
    assert config["ProductionVariants"][0]["ManagedInstanceScaling"] == scaling


def test_application_auto_scaling_is_not_served(filled: Installation) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="endpoint/Hinted/variant/v",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )
    assert refused(error) == (
        "NotImplementedException",
        "Gyropilot does not serve the AWS service that signs as 'application-autoscaling'.",
    )


# --- asynchronous invocations -----------------------------------------------------------------------------------------

PLACES = {"S3OutputPath": "s3://data/out", "S3FailurePath": "s3://data/failed"}


def answer_all(filled: Installation) -> None:
    for invocation in filled.service.async_queue.choose():
        filled.service.async_queue.answer(invocation)


def test_an_asynchronous_invocation_is_answered_by_an_object(filled: Installation) -> None:
    sagemaker, runtime, s3 = (filled.client(name) for name in ("sagemaker", "sagemaker-runtime", "s3"))
    config = {"OutputConfig": PLACES, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 3}}
    serve(filled, "Async", AsyncInferenceConfig=config)
    assert sagemaker.describe_endpoint(EndpointName="Async")["AsyncInferenceConfig"] == config
    s3.put_object(Bucket="data", Key="in.csv", Body=b"1,2")
    asked = {"EndpointName": "Async", "InputLocation": "s3://data/in.csv", "ContentType": "text/csv"}
    answer = runtime.invoke_endpoint_async(**asked, InferenceId="mine", Accept="text/csv")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert answer["FailureLocation"].startswith("s3://data/failed/")
    answer_all(filled)
    sent = {"content-type": "text/csv", "accept": "text/csv", "x-amzn-sagemaker-inference-id": "mine"}
    assert filled.model.asked[-1] == sent
    stored = s3.get_object(Bucket="data", Key=answer["OutputLocation"].removeprefix("s3://data/"))
    assert (stored["Body"].read(), stored["ContentType"]) == (b"answer:1,2", "text/csv")

    answer = runtime.invoke_endpoint_async(EndpointName="Async", Body=b"inline", Filename="a.txt")
    assert answer["OutputLocation"] == "s3://data/out/a.txt"
    answer_all(filled)
    assert s3.get_object(Bucket="data", Key="out/a.txt")["Body"].read() == b"answer:inline"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "must have an S3OutputPath"),
        ({"S3OutputPath": "s3://missing/out"}, "Could not access s3://missing/out"),
        ({**PLACES, "S3FailurePath": "s3://missing/failed"}, "Could not access s3://missing/failed"),
        (
            {**PLACES, "NotificationConfig": {"SuccessTopic": "arn:aws:sns:us-east-1:000000000000:done"}},
            "does not support AsyncInferenceConfig.OutputConfig.NotificationConfig yet",
        ),
    ],
)
def test_places_that_cannot_be_are_refused(filled: Installation, output: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_endpoint_config(
            EndpointConfigName="No", ProductionVariants=[VARIANT], AsyncInferenceConfig={"OutputConfig": output}
        )
    assert refused(error)[0] == "ValidationException"
    assert message in refused(error)[1]


def test_asynchronous_invocations_that_cannot_be_are_refused(filled: Installation) -> None:
    runtime = filled.client("sagemaker-runtime")
    serve(filled, "Synchronous")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"EndpointName": "Synchronous", "Body": b"1"}, "takes no asynchronous invocations"),
        ({"EndpointName": "none", "Body": b"1"}, "Endpoint none of account 000000000000 not found."),
        ({"EndpointName": "Synchronous", "Body": b"1", "RequestTTLSeconds": 21_601}, "less than or equal to 21600"),
    ]
    for asked, message in cases:
        with pytest.raises(ClientError) as error:
            runtime.invoke_endpoint_async(**asked)
        assert refused(error)[0] == "ValidationError"
        assert message in refused(error)[1]


# --- limits -----------------------------------------------------------------------------------------------------------


def test_rows_that_are_too_long_are_refused(filled: Installation) -> None:
    runtime = filled.client("sagemaker-runtime")
    serve(filled, "Limited")
    longest = 6 * 1024 * 1024
    assert len(runtime.invoke_endpoint(EndpointName="Limited", Body=bytes(longest))["Body"].read()) > longest
    asked = len(filled.model.asked)
    for count in (longest + 1, 11 * 1024 * 1024):
        with pytest.raises(ClientError) as error:
            runtime.invoke_endpoint(EndpointName="Limited", Body=bytes(count))
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 413}
    assert len(filled.model.asked) == asked
