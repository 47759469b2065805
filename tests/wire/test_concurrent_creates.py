"""Many ask for one name at the same moment: one gets it, the others are told, and there is one of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob, EndpointConfig, Model, Record
from tests.wire.installation import IDENTITY, ROLE, Installation
from tests.wire.requests import job_request

ASKERS = 8
CONTAINER = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://race/model.tar.gz"}
VARIANT = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}


def race(create: Callable[[str], object], name: str) -> list[str]:
    """Ask for a name, in turn as it is and in capitals, all at once; return the codes of the refusals."""
    barrier = Barrier(ASKERS)

    def ask(number: int) -> str:
        barrier.wait()
        try:
            create(name.upper() if number % 2 else name)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(ASKERS) as askers:
        answers = list(askers.map(ask, range(ASKERS)))
    assert answers.count("") == 1
    return [answer for answer in answers if answer]


CREATES: dict[type[Record], tuple[str, Callable[[Any, str], object]]] = {
    AutoMLJob: (
        "ResourceInUse",
        lambda sagemaker, name: sagemaker.create_auto_ml_job(
            **job_request(
                name,
                InputDataConfig=[
                    {
                        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://race/train/"}},
                        "TargetAttributeName": "y",
                    }
                ],
                OutputDataConfig={"S3OutputPath": "s3://race/out/"},
            )
        ),
    ),
    Model: (
        "ValidationException",
        lambda sagemaker, name: sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=CONTAINER
        ),
    ),
    EndpointConfig: (
        "ValidationException",
        lambda sagemaker, name: sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[VARIANT]),
    ),
}


@pytest.fixture(scope="module")
def filled(installation: Installation) -> Installation:
    blobs = installation.service.blobs
    blobs.create_bucket("race")
    blobs.put("race", "train/a.csv", io.BytesIO(b"x,y\n1,a\n2,b\n"))
    blobs.put("race", "model.tar.gz", io.BytesIO(b"archive"))
    installation.client("sagemaker").create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=CONTAINER)
    return installation


@pytest.mark.parametrize("kind", CREATES, ids=lambda kind: kind.kind)
def test_one_name_is_given_once(filled: Installation, kind: type[Record]) -> None:
    code, create = CREATES[kind]
    sagemaker = filled.client("sagemaker", max_pool_connections=ASKERS)
    refusals = race(lambda name: create(sagemaker, name), "contended")
    assert set(refusals) == {code}
    finders: dict[type[Record], Any] = {
        AutoMLJob: filled.service.jobs,
        Model: filled.service.models,
        EndpointConfig: filled.service.endpoint_configs,
    }
    assert len(finders[kind].find(Query(name="contended"))) == 1


def test_one_bucket_is_made_once(filled: Installation) -> None:
    s3 = filled.client("s3", max_pool_connections=ASKERS)
    refusals = race(lambda name: s3.create_bucket(Bucket=name.lower()), "contended")
    assert set(refusals) <= {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]].count("contended") == 1
