"""Training jobs of one's own, with boto3 at the other end; the tests play the worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import Candidate, Container, Metric
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from tests.wire.installation import IDENTITY, ROLE, Installation, run_installation
from tests.wire.requests import job_request, refused

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = "Churn-trial-t1-1"
F1 = Metric(name="f1", value=0.75, higher_is_better=True)
AT_ONCE = {"Delay": 0, "MaxAttempts": 1}


def candidate(number: int, status: CandidateStatus) -> Candidate:
    moment = START + timedelta(seconds=number)
    return Candidate(
        name=f"Churn-trial-t{number}-1",
        parent="Churn",
        created_at=moment,
        modified_at=moment,
        ended_at=moment if status.is_finished else None,
        status=status,
        algorithm="lightgbm",
        parameters={"depth": 6, "seed": 1},
        metrics=(F1,),
        containers=(Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz"),),
    )


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    with run_installation() as installation:
        s3 = installation.client("s3")
        s3.create_bucket(Bucket="data")
        for folder in ("train", "other", "validation"):
            s3.put_object(Bucket="data", Key=f"{folder}/a.csv", Body=b"x,y\n1,a\n2,b\n")
        s3.put_object(Bucket="data", Key="strange/a.csv", Body=b"x,z\n1,a\n")
        installation.client("sagemaker").create_auto_ml_job(**job_request("Churn"))
        jobs = installation.service.jobs
        jobs.claim("Churn", "worker", 60)
        jobs.report("Churn", "worker", resolved_problem_type="binary", resolved_objective="f1")
        jobs.report_candidate("Churn", candidate(1, CandidateStatus.COMPLETED))
        jobs.report_candidate("Churn", candidate(2, CandidateStatus.FAILED))
        jobs.report_candidate("Churn", candidate(3, CandidateStatus.IN_PROGRESS))
        yield installation


def channel(name: str, folder: str, **changes: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://data/{folder}/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **changes}


def training_request(name: str, step: str = STEP, **changes: Any) -> dict[str, Any]:
    """Return the parameters that `CandidateEstimator.fit` sends for a candidate's step."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IDENTITY.training_image(step), "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train", "other")],
        "OutputDataConfig": {"S3OutputPath": "s3://data/again"},
        "ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "EnableNetworkIsolation": False,
        "EnableManagedSpotTraining": False,
        "Tags": [],
    } | changes


def test_a_step_has_all_that_is_needed_to_repeat_it(filled: Installation) -> None:
    step = filled.client("sagemaker").describe_training_job(TrainingJobName=STEP)
    needed = {"InputDataConfig", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition"}
    assert needed | {"EnableNetworkIsolation", "EnableManagedSpotTraining"} <= step.keys()
    assert step["AlgorithmSpecification"] == training_request("x")["AlgorithmSpecification"]
    assert "/autogluon-training:" in step["AlgorithmSpecification"]["TrainingImage"]
    known = filled.client("sagemaker").meta.service_model.shape_for("TrainingInstanceType").enum
    assert step["ResourceConfig"]["InstanceType"] in known


def test_a_job_from_its_creation_to_its_end(filled: Installation) -> None:
    sagemaker, trainings = filled.client("sagemaker"), filled.service.trainings
    asked = training_request("Again", HyperParameters={"algorithm": "lightgbm", "depth": "6", "seed": "1"})
    made = sagemaker.create_training_job(**asked)
    assert made["TrainingJobArn"] == IDENTITY.training_job_arn("Again")
    problem = trainings.get("again").training.problem
    assert (problem.target, problem.data_uri, problem.validation_uri) == ("y", "s3://data/other/", "")
    assert (problem.problem_type, problem.objective, problem.max_runtime_seconds) == ("binary", "f1", 600)

    seen = sagemaker.describe_training_job(TrainingJobName="again")
    assert (seen["TrainingJobName"], seen["TrainingJobStatus"], seen["SecondaryStatus"]) == (
        "Again",
        "InProgress",
        "Starting",
    )
    echoed = asked.keys() - {"TrainingJobName", "Tags"}
    assert {name: seen[name] for name in echoed} == {name: asked[name] for name in echoed}
    assert "AutoMLJobArn" not in seen

    trainings.claim("Again", "worker", 60)
    trainings.report("Again", "worker", step=JobStep.TRAINING_MODELS)
    assert sagemaker.describe_training_job(TrainingJobName="Again")["SecondaryStatus"] == "Training"
    trainings.report("Again", "worker", metrics=(F1,), model_data_url="s3://data/again/Again/output/model.tar.gz")
    trainings.finish("Again", "worker", Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="Again", WaiterConfig=AT_ONCE)
    seen = sagemaker.describe_training_job(TrainingJobName="Again")
    assert seen["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/again/Again/output/model.tar.gz"}
    assert [(metric["MetricName"], metric["Value"]) for metric in seen["FinalMetricDataList"]] == [("F1", 0.75)]
    changes = seen["SecondaryStatusTransitions"]
    assert [change["Status"] for change in changes] == ["Starting", "Training", "Completed"]
    assert all(change["StartTime"] <= change["EndTime"] for change in changes)


def test_a_job_with_a_validation_channel_and_without_a_limit(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    asked = training_request(
        "validated", InputDataConfig=[channel("train", "other"), channel("validation", "validation")]
    )
    del asked["StoppingCondition"], asked["ResourceConfig"]
    sagemaker.create_training_job(**asked)
    problem = filled.service.trainings.get("validated").training.problem
    assert (problem.validation_uri, problem.max_runtime_seconds) == ("s3://data/validation/", None)
    seen = sagemaker.describe_training_job(TrainingJobName="validated")
    assert seen["StoppingCondition"]["MaxRuntimeInSeconds"] == 86_400
    assert seen["ResourceConfig"]["InstanceCount"] == 1


def test_a_stopped_job(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    sagemaker.create_training_job(**training_request("stopped"))
    sagemaker.stop_training_job(TrainingJobName="stopped")
    filled.service.supervisor.tick()
    seen = sagemaker.describe_training_job(TrainingJobName="stopped")
    assert (seen["TrainingJobStatus"], seen["SecondaryStatus"]) == ("Stopped", "Stopped")
    with pytest.raises(ClientError) as error:
        sagemaker.stop_training_job(TrainingJobName="stopped")
    assert "training job is in status Stopped" in refused(error)[1]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("none", "ResourceNotFound", "Requested resource not found."),
        (STEP, "ValidationException", "The request was rejected because the training job is in status Completed."),
        (
            "Churn-trial-t3-1",
            "ValidationException",
            "The training job Churn-trial-t3-1 is part of the AutoML job Churn; stop that instead.",
        ),
    ],
)
def test_a_candidates_training_is_not_stopped_alone(filled: Installation, name: str, code: str, words: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert refused(error) == (code, words)


def test_jobs_are_listed_together_with_candidates(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    for name in ("A-listed", "z-listed"):
        sagemaker.create_training_job(**training_request(name))
    paginator = sagemaker.get_paginator("list_training_jobs")

    def names(**question: Any) -> list[str]:
        pages = paginator.paginate(PaginationConfig={"PageSize": 1}, **question)
        return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]

    assert names(NameContains="listed") == ["A-listed", "z-listed"]
    everything = names(SortBy="Name")
    assert everything == sorted(everything, key=str.casefold)
    assert {"A-listed", "z-listed", STEP} < set(everything)
    assert names(SortBy="Name", SortOrder="Descending") == everything[::-1]
    assert names(StatusEquals="Failed") == ["Churn-trial-t2-1"]


def test_tags_of_either(filled: Installation) -> None:
    sagemaker = filled.client("sagemaker")
    arn = sagemaker.create_training_job(**training_request("tagged"))["TrainingJobArn"]
    for each in (arn, IDENTITY.training_job_arn(STEP)):
        tags = [{"Key": "of", "Value": each}]
        sagemaker.add_tags(ResourceArn=each, Tags=tags)
        assert sagemaker.list_tags(ResourceArn=each)["Tags"] == tags


@pytest.mark.parametrize("name", ["again", STEP.lower()])
def test_a_name_is_taken_by_jobs_and_candidates(filled: Installation, name: str) -> None:
    sagemaker = filled.client("sagemaker")
    if name == "again":
        sagemaker.create_training_job(**training_request("taken"))
        name = "TAKEN"
    with pytest.raises(ClientError) as error:
        sagemaker.create_training_job(**training_request(name))
    assert refused(error)[0] == "ResourceInUse"
    assert "Training job names must be unique within an AWS account and region, and a training job" in refused(error)[1]


STRANGER = {"TrainingImage": "xgboost:1", "TrainingInputMode": "File"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AlgorithmSpecification": STRANGER}, "The TrainingImage 'xgboost:1' is none that Gyropilot trains with."),
        ({"step": "none"}, ":none' is none that Gyropilot trains with."),
        ({"step": "Churn-trial-t2-1"}, "is in status Failed; only a completed one is repeated."),
        (
            {"HyperParameters": {"algorithm": "lightgbm", "depth": "7"}},
            f"must be those of the training job {STEP}, or left out; other or missing are: [depth, seed]",
        ),
        ({"InputDataConfig": [channel("test", "other")]}, "InputDataConfig must have a channel train"),
        ({"InputDataConfig": [channel("train", "other")] * 2}, "InputDataConfig must have a channel train"),
        ({"InputDataConfig": [channel("train", "nothing")]}, "No objects found under s3://data/nothing/."),
        ({"InputDataConfig": [channel("train", "strange")]}, "Target attribute name y does not exist in header."),
        ({"InputDataConfig": [channel("train", "other", ContentType="x")]}, "ContentType x is not supported."),
        (
            {"InputDataConfig": [channel("train", "other", CompressionType="Gzip"), channel("validation", "other")]},
            "All channels must have the same ContentType and CompressionType.",
        ),
        (
            {"InputDataConfig": [{"ChannelName": "train", "DataSource": {}}]},
            "The channel train must have an S3DataSource",
        ),
        ({"OutputDataConfig": {"S3OutputPath": "s3://missing/"}}, "Could not access s3://missing/"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://data/x", "CompressionType": "NONE"}}, "must be GZIP"),
    ],
)
def test_requests_that_break_a_rule(filled: Installation, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("sagemaker").create_training_job(**training_request("fresh", **changes))
    assert refused(error)[0] == "ValidationException"
    assert words in refused(error)[1]
