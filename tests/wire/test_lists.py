"""Lists in pages, with boto3 at the other end."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError

from gyropilot.service.records import Candidate, Metric
from gyropilot.service.states import CandidateStatus, EndpointStatus
from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import job_request, refused

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
NAMES = ("alpha", "Beta", "gamma")
LISTS = {
    "list_auto_ml_jobs": ("AutoMLJobSummaries", "AutoMLJobName"),
    "list_models": ("Models", "ModelName"),
    "list_endpoint_configs": ("EndpointConfigs", "EndpointConfigName"),
    "list_endpoints": ("Endpoints", "EndpointName"),
}


def make(installation: Installation, name: str) -> None:
    sagemaker = installation.client("sagemaker")
    container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://data/model.tar.gz"}
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_auto_ml_job(**job_request(name))
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3 = installation.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/a.csv", Body=b"x,y\n1,a\n2,b\n")
        s3.put_object(Bucket="data", Key="model.tar.gz", Body=b"archive")
        for name in NAMES:
            make(installation, name)
        for number, status in enumerate(CandidateStatus):
            installation.service.jobs.report_candidate("alpha", candidate(number, status))
        yield installation


def candidate(number: int, status: CandidateStatus = CandidateStatus.COMPLETED, *, job: str = "alpha") -> Candidate:
    at = START + timedelta(seconds=number)
    return Candidate(
        name=f"{job}-trial-t{number}-1",
        parent=job,
        algorithm="xgboost",
        status=status,
        created_at=at,
        modified_at=at,
        objective=Metric(name="f1", value=number / 10, higher_is_better=True),
    )


def names_of(installation: Installation, operation: str, **question: Any) -> list[str]:
    """Return the names on all pages of one item each."""
    member, name = LISTS[operation]
    pages = (
        installation.client("sagemaker").get_paginator(operation).paginate(PaginationConfig={"PageSize": 1}, **question)
    )
    return [item[name] for page in pages for item in page[member] if item[name] in NAMES]


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["alpha", "Beta", "gamma"]),
        ({"SortBy": "Name", "SortOrder": "Descending"}, ["gamma", "Beta", "alpha"]),
        ({"SortBy": "CreationTime", "SortOrder": "Ascending"}, ["alpha", "Beta", "gamma"]),
        ({"SortBy": "CreationTime"}, ["gamma", "Beta", "alpha"]),
        ({}, ["gamma", "Beta", "alpha"]),
        ({"NameContains": "BET"}, ["Beta"]),
        ({"NameContains": "none"}, []),
        ({"CreationTimeAfter": START, "CreationTimeBefore": LATER}, ["gamma", "Beta", "alpha"]),
        ({"CreationTimeAfter": LATER}, []),
        ({"CreationTimeBefore": START}, []),
    ],
)
def test_lists_select_and_order(
    filled: Installation, operation: str, question: dict[str, Any], names: list[str]
) -> None:
    assert names_of(filled, operation, **question) == names


@pytest.mark.parametrize("operation", ["list_auto_ml_jobs", "list_endpoints"])
def test_lists_of_what_changes_select_by_status_and_change(filled: Installation, operation: str) -> None:
    if filled.service.endpoints.get("Beta").status is EndpointStatus.CREATING:
        filled.service.endpoints.move("Beta", EndpointStatus.FAILED)
        filled.service.jobs.stop("Beta")
    changed = "Stopping" if operation == "list_auto_ml_jobs" else "Failed"
    assert names_of(filled, operation, StatusEquals=changed) == ["Beta"]
    by_status = names_of(filled, operation, SortBy="Status", SortOrder="Ascending")
    assert by_status == ["alpha", "gamma", "Beta"]
    assert names_of(filled, operation, LastModifiedTimeAfter=LATER) == []
    assert len(names_of(filled, operation, LastModifiedTimeBefore=LATER, LastModifiedTimeAfter=START)) == 3


def test_pages_stay_in_step_while_jobs_are_made(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    for name in ("page-b", "page-d", "page-f"):
        sagemaker.create_auto_ml_job(**job_request(name))
    question = {"NameContains": "page-", "SortOrder": "Ascending", "MaxResults": 2}
    first = sagemaker.list_auto_ml_jobs(**question)
    for name in ("page-a", "page-c", "page-e"):
        sagemaker.create_auto_ml_job(**job_request(name))
    second = sagemaker.list_auto_ml_jobs(**question, NextToken=first["NextToken"])
    found = [job["AutoMLJobName"] for page in (first, second) for job in page["AutoMLJobSummaries"]]
    assert found == ["page-b", "page-d", "page-e", "page-f"]
    assert "NextToken" not in second


def test_candidates_stay_in_step_while_they_are_made(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_auto_ml_job(**job_request("growing"))
    jobs = filled.service.jobs
    for number in (1, 2, 3):
        jobs.report_candidate("growing", candidate(number, job="growing"))
    question = {"AutoMLJobName": "growing", "MaxResults": 2}
    first = sagemaker.list_candidates_for_auto_ml_job(**question)
    jobs.report_candidate("growing", candidate(4, job="growing"))
    rest = sagemaker.list_candidates_for_auto_ml_job(**question, NextToken=first["NextToken"])
    found = [item["CandidateName"] for page in (first, rest) for item in page["Candidates"]]
    assert found == [f"growing-trial-t{number}-1" for number in (3, 2, 1)]


def forge(token: str, *after: Any) -> str:
    digest, *_ = orjson.loads(base64.urlsafe_b64decode(token))
    return base64.urlsafe_b64encode(orjson.dumps([digest, *after])).decode()


def test_a_token_fits_only_its_question(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    models = sagemaker.list_models(MaxResults=1)["NextToken"]
    jobs = sagemaker.list_auto_ml_jobs(MaxResults=1)["NextToken"]
    candidates = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="alpha", MaxResults=1)["NextToken"]
    wrong: list[Callable[[], Any]] = [
        lambda: sagemaker.list_endpoints(NextToken=models),
        lambda: sagemaker.list_models(NextToken=models, NameContains="a"),
        lambda: sagemaker.list_models(NextToken=forge(models, 0)),
        lambda: sagemaker.list_models(NextToken=forge(models, 2**62, "a", "")),
        lambda: sagemaker.list_models(NextToken=forge(models, "0", "a", "")),
        lambda: sagemaker.list_auto_ml_jobs(NextToken=forge(jobs, "a\0", "a", "")),
        lambda: sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="alpha", NextToken=forge(candidates, None)),
        lambda: sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="Beta", NextToken=candidates),
        lambda: sagemaker.list_transform_jobs(NextToken="bm9uc2Vuc2U="),
    ]
    for call in wrong:
        with pytest.raises(ClientError) as error:
            call()
        assert refused(error)[0] == "ValidationException"
        assert "pagination token" in refused(error)[1]
    assert len(sagemaker.list_models(NextToken=models, MaxResults=100)["Models"]) == 2


def test_training_jobs_are_those_of_the_candidates(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="alpha-", CreationTimeBefore=LATER, PaginationConfig={"PageSize": 2}
    )
    found = [job for page in pages for job in page["TrainingJobSummaries"]]
    assert {job["TrainingJobStatus"] for job in found} == {status.value for status in CandidateStatus}
    assert [job["CreationTime"] for job in found] == sorted(job["CreationTime"] for job in found)
    stopped = sagemaker.list_training_jobs(StatusEquals="Stopped")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in stopped] == [f"alpha-trial-t{len(CandidateStatus) - 1}-1"]
    name = stopped[0]["TrainingJobName"]
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobArn"] == stopped[0]["TrainingJobArn"]
    assert sagemaker.list_training_jobs(WarmPoolStatusEquals="InUse")["TrainingJobSummaries"] == []


def test_there_are_no_jobs_of_other_kinds(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    assert sagemaker.list_processing_jobs()["ProcessingJobSummaries"] == []
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    tuning = {"HyperParameterTuningJobName": "none"}
    calls: list[Callable[[], Any]] = [
        lambda: sagemaker.describe_processing_job(ProcessingJobName="none"),
        lambda: sagemaker.stop_processing_job(ProcessingJobName="none"),
        lambda: sagemaker.describe_transform_job(TransformJobName="none"),
        lambda: sagemaker.stop_transform_job(TransformJobName="none"),
        lambda: sagemaker.describe_hyper_parameter_tuning_job(**tuning),
        lambda: sagemaker.stop_hyper_parameter_tuning_job(**tuning),
        lambda: sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**tuning),
    ]
    for call in calls:
        with pytest.raises(ClientError) as error:
            call()
        assert refused(error) == ("ResourceNotFound", "Requested resource not found.")
