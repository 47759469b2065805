"""A candidate's training, once more: the calls of the SageMaker SDK's `CandidateEstimator`, made with boto3."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gyropilot.sdk import Session
from tests.acceptance.conftest import ROWS
from tests.acceptance.running import (
    BUCKET,
    JOB_SECONDS,
    RunningServer,
    candidates,
    create,
    create_endpoint,
    invoke,
    read_rows,
    request,
    wait_for,
    wait_for_end,
    wait_for_endpoint,
    without,
    write_rows,
)

HEADER, ALL_ROWS = read_rows("adult.csv", ROWS + 100)
TARGET = HEADER.index("income")
FEATURES = write_rows(without(TARGET, ALL_ROWS[ROWS:]))
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
ALGORITHMS = ["lightgbm", "linear-learner", "extra-trees"]


@pytest.fixture(scope="module")
def steps(session: Session, tables: None) -> dict[str, Any]:
    """The training jobs of a job's candidates by their algorithms, in the order of their training."""
    config = {
        "Mode": "ENSEMBLING",
        "CompletionCriteria": {"MaxCandidates": 4},
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ALGORITHMS}]},
    }
    create(session, request("origin", "adult/", "income", 0, AutoMLJobConfig=config))
    job = wait_for_end(session, "origin")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    found = candidates(session, "origin", StatusEquals="Completed", SortBy="CreationTime")
    names = [candidate["CandidateSteps"][0]["CandidateStepName"] for candidate in found]
    described: list[Any] = [session.client("sagemaker").describe_training_job(TrainingJobName=name) for name in names]
    return {job["HyperParameters"]["algorithm"]: job for job in described}


def start(session: Session, name: str, described: Any, uri: str) -> None:
    """Create a training job as `CandidateEstimator.fit` does: of a described step, on other data."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    copied = (
        "RoleArn",
        "OutputDataConfig",
        "ResourceConfig",
        "StoppingCondition",
        "EnableNetworkIsolation",
        "EnableManagedSpotTraining",
    )
    specification = described["AlgorithmSpecification"]
    asked = {
        "AlgorithmSpecification": {name: specification[name] for name in ("TrainingImage", "TrainingInputMode")},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        **{name: described[name] for name in copied},
        "Tags": [],
    }
    session.client("sagemaker").create_training_job(TrainingJobName=name, **cast("Any", asked))


def wait(session: Session, name: str) -> Any:
    sagemaker = session.client("sagemaker")
    return wait_for(
        lambda: sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] not in {"InProgress", "Stopping"},
        seconds=JOB_SECONDS,
    )


def log_of(session: Session, name: str) -> str:
    logs, group = session.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams: list[Any] = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
    return "\n".join(event["message"] for event in events["events"])


def answers_of(session: Session, name: str, model_data_url: str) -> str:
    container = {"Image": IMAGE, "ModelDataUrl": model_data_url, "Environment": {}}
    both = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}
    create_endpoint(session, name, {"InferenceContainers": [container]}, **both)
    wait_for_endpoint(session, name)
    return invoke(session, name, FEATURES)


@pytest.mark.parametrize("algorithm", ["lightgbm", "weighted-ensemble"])
def test_a_candidates_training_is_repeated(session: Session, steps: dict[str, Any], algorithm: str) -> None:
    step, name = steps[algorithm], f"again-{algorithm}"
    start(session, name, step, f"s3://{BUCKET}/adult/")
    job = wait(session, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert url == f"s3://{BUCKET}/out/{name}/output/model.tar.gz"
    before = answers_of(session, f"before-{algorithm}", step["ModelArtifacts"]["S3ModelArtifacts"])
    after = answers_of(session, f"after-{algorithm}", url)
    assert after == before, "the same data and settings make the same model"
    assert {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]} == {
        metric["MetricName"]: metric["Value"] for metric in step["FinalMetricDataList"]
    }
    changes = [change["Status"] for change in job["SecondaryStatusTransitions"]]
    assert changes == ["Starting", "Training", "Completed"]
    assert sum(f"Training {each} with" in log_of(session, name) for each in (*ALGORITHMS, algorithm)) >= 1


def test_other_data_makes_another_model(session: Session, steps: dict[str, Any]) -> None:
    body = write_rows([HEADER, *ALL_ROWS[: ROWS // 2]])
    session.client("s3").put_object(Bucket=BUCKET, Key="half/rows.csv", Body=body)
    start(session, "half", steps["lightgbm"], f"s3://{BUCKET}/half/")
    job = wait(session, "half")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert f"Read {ROWS // 2} rows with a target" in log_of(session, "half")


def test_a_training_is_stopped(server: RunningServer, session: Session, steps: dict[str, Any]) -> None:
    start(session, "given-up", steps["weighted-ensemble"], f"s3://{BUCKET}/adult/")
    wait_for(lambda: server.worker_of("given-up", "training-job"), bool)
    session.client("sagemaker").stop_training_job(TrainingJobName="given-up")
    assert wait(session, "given-up")["TrainingJobStatus"] == "Stopped"


def test_a_killed_workers_training_is_taken_up_again(
    server: RunningServer, session: Session, steps: dict[str, Any]
) -> None:
    start(session, "killed-training", steps["weighted-ensemble"], f"s3://{BUCKET}/adult/")
    worker = wait_for(lambda: server.worker_of("killed-training", "training-job"), bool)
    assert worker is not None
    worker.kill()
    assert wait(session, "killed-training")["TrainingJobStatus"] == "Completed"
    assert "A worker has the job" in log_of(session, "killed-training")
