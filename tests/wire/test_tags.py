"""Tags, with boto3 at the other end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import job_request, refused

TEAM = [{"Key": "team", "Value": "a"}]


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3, sagemaker = installation.client("s3"), installation.client("sagemaker")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/a.csv", Body=b"x,y\n1,a\n2,b\n")
        s3.put_object(Bucket="data", Key="model.tar.gz", Body=b"archive")
        container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/model.tar.gz"}
        variant = {"VariantName": "v", "ModelName": "M", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        sagemaker.create_auto_ml_job(**job_request("Job", Tags=TEAM))
        sagemaker.create_model(ModelName="M", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=TEAM)
        sagemaker.create_endpoint_config(EndpointConfigName="C", ProductionVariants=[variant], Tags=TEAM)
        sagemaker.create_endpoint(EndpointName="E", EndpointConfigName="C", Tags=TEAM)
        yield installation


ARNS = {
    "job": IDENTITY.job_arn("Job"),
    "model": IDENTITY.model_arn("M"),
    "endpoint configuration": IDENTITY.endpoint_config_arn("C"),
    "endpoint": IDENTITY.endpoint_arn("E"),
}


@pytest.mark.parametrize("kind", ARNS)
def test_tags_from_creation_to_removal(filled: Installation, kind: str) -> None:
    sagemaker, arn = filled.client("sagemaker"), ARNS[kind]
    assert sagemaker.list_tags(ResourceArn=arn, MaxResults=50)["Tags"] == TEAM
    more = [{"Key": "team", "Value": "b"}, {"Key": "Team", "Value": "c"}]
    assert sagemaker.add_tags(ResourceArn=arn, Tags=more)["Tags"] == more
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "Team", "none"])
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    assert [page["Tags"] for page in pages] == [[]]


REFUSED: list[tuple[Callable[[Any], Any], tuple[str, str]]] = [
    (
        lambda client: client.list_tags(ResourceArn=IDENTITY.job_arn("none")),
        ("ResourceNotFound", "Amazon SageMaker can't find an AutoML job called none."),
    ),
    (
        lambda client: client.list_tags(ResourceArn=IDENTITY.model_arn("none")),
        ("ValidationException", f'Could not find model "{IDENTITY.model_arn("none")}".'),
    ),
    (
        lambda client: client.list_tags(ResourceArn=IDENTITY.arn("processing-job", "none")),
        ("ResourceNotFound", "Requested resource not found."),
    ),
    (
        lambda client: client.list_tags(ResourceArn="arn:aws:s3:::bucket"),
        ("ValidationException", "1 validation error detected: Value 'arn:aws:s3:::bucket' at 'resourceArn'"),
    ),
    (
        lambda client: client.list_tags(ResourceArn=ARNS["job"], NextToken="nonsense"),
        ("ValidationException", "The pagination token 'nonsense' is not valid."),
    ),
    (
        lambda client: client.add_tags(ResourceArn=ARNS["job"], Tags=[{"Key": "AWS:x", "Value": ""}]),
        ("ValidationException", "The tag key 'AWS:x' is reserved"),
    ),
    (
        lambda client: client.add_tags(ResourceArn=ARNS["job"], Tags=TEAM * 2),
        ("ValidationException", "Tags must have different keys."),
    ),
    (
        lambda client: client.add_tags(
            ResourceArn=ARNS["job"], Tags=[{"Key": str(number), "Value": ""} for number in range(51)]
        ),
        ("ValidationException", "1 validation error detected"),
    ),
    (
        lambda client: client.create_auto_ml_job(**job_request("Other", Tags=TEAM * 2)),
        ("ValidationException", "Tags must have different keys."),
    ),
]


@pytest.mark.parametrize(("call", "expected"), REFUSED)
def test_what_is_refused(filled: Installation, call: Callable[[Any], Any], expected: tuple[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        call(filled.client("sagemaker"))
    code, message = refused(error)
    assert code == expected[0]
    assert message.startswith(expected[1])
