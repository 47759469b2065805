"""Hyperparameter tuning: its candidates, the jobs that AWS would have run for them, and their containers."""

from __future__ import annotations

import copy
import csv
import math
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.sdk import Session
from gyropilot.sdk.automl.candidates import CandidateEstimator
from gyropilot.sdk.automl.inference_keys import choose_inference_keys
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    candidates,
    create,
    create_endpoint,
    describe,
    invoke,
    is_over,
    read_rows,
    request,
    text_of,
    wait_for,
    wait_for_candidates,
    wait_for_end,
    wait_for_endpoint,
    without,
    write_rows,
)

TRIALS = 4
KEYS = ["predicted_label", "probability", "probabilities", "labels"]
HEADER, ALL_ROWS = read_rows("adult.csv", 1000)
FEATURES = write_rows(without(HEADER.index("income"), ALL_ROWS[600:640]))
PRICES, DIAMONDS = read_rows("diamonds.csv", 640)
pytestmark = pytest.mark.usefixtures("tables")


def tuning(trials: int | None, *algorithms: str, **criteria: int) -> dict[str, Any]:
    limits = {"MaxCandidates": trials} if trials else {}
    return {
        "Mode": "HYPERPARAMETER_TUNING",
        "CompletionCriteria": limits | criteria,
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(algorithms)}]},
    }


@pytest.fixture(scope="module")
def started(session: Session) -> None:
    config = tuning(TRIALS, "xgboost", "linear-learner")
    create(session, request("tuned-classes", "adult/", "income", 0, AutoMLJobConfig=config))
    config = tuning(1, "linear-learner")
    create(session, request("tuned-number", "diamonds/diamonds.csv", "price", 0, AutoMLJobConfig=config))


@pytest.fixture(scope="module")
def watched(session: Session, started: None) -> tuple[list[str], Any]:  # it creates the job
    """Every step that the job showed, and its end."""
    steps: list[str] = []

    def look() -> Any:
        job = describe(session, "tuned-classes")
        if job["AutoMLJobSecondaryStatus"] not in steps[-1:]:
            steps.append(job["AutoMLJobSecondaryStatus"])
        return job

    return steps, wait_for(look, is_over, seconds=120)


@pytest.fixture(scope="module")
def job(watched: tuple[list[str], Any]) -> Any:
    assert watched[1]["AutoMLJobStatus"] == "Completed", watched[1].get("FailureReason")
    return watched[1]


@pytest.fixture(scope="module")
def number(session: Session, started: None) -> Any:  # it creates the job
    ended = wait_for_end(session, "tuned-number")
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    return ended


def test_a_job_goes_through_its_steps(watched: tuple[list[str], Any]) -> None:
    order = ["Starting", "AnalyzingData", "FeatureEngineering", "ModelTuning", "MaxCandidatesReached"]
    steps, _ = watched
    assert steps == sorted(steps, key=order.index)
    assert {"ModelTuning", "MaxCandidatesReached"} <= {*steps}


def test_every_trial_is_a_candidate(session: Session, job: Any) -> None:
    found = candidates(session, "tuned-classes")
    assert len(found) == TRIALS
    assert job["ResolvedAttributes"]["CompletionCriteria"] == {"MaxCandidates": TRIALS}
    assert {each["CandidateStatus"] for each in found} <= {"Completed", "Stopped"}
    for each in found:
        assert re.fullmatch(r"tuned-classes-\d{3}-[0-9a-f]{8}", each["CandidateName"])
        assert [step["CandidateStepType"].split("::")[2] for step in each["CandidateSteps"]] == [
            "ProcessingJob",
            "TrainingJob",
            "TransformJob",
            "TrainingJob",
        ]
        assert each["CandidateSteps"][3]["CandidateStepName"] == each["CandidateName"]
        if each["CandidateStatus"] == "Completed":
            assert math.isfinite(each["FinalAutoMLJobObjectiveMetric"]["Value"])
            assert len(each["InferenceContainers"]) == 3


def test_every_step_is_described(session: Session, job: Any) -> None:
    sagemaker: Any = session.client("sagemaker")
    names = [step["CandidateStepName"] for step in job["BestCandidate"]["CandidateSteps"]]
    assert re.fullmatch(r"db-1-[0-9a-f]{32}", names[0])
    assert re.fullmatch(r"tuned-clas-dpp\d-1-[0-9a-f]{32}", names[1])
    assert re.fullmatch(r"tuned-clas-dpp\d-csv-1-[0-9a-f]{32}", names[2])
    processing = sagemaker.describe_processing_job(ProcessingJobName=names[0])
    fit = sagemaker.describe_training_job(TrainingJobName=names[1])
    transform = sagemaker.describe_transform_job(TransformJobName=names[2])
    training = sagemaker.describe_training_job(TrainingJobName=names[3])
    first, second, third = job["BestCandidate"]["InferenceContainers"]
    assert {each["AutoMLJobArn"] for each in (processing, fit, transform, training)} == {job["AutoMLJobArn"]}
    assert processing["ProcessingJobStatus"] == "Completed"
    assert (fit["TrainingJobStatus"], fit["ModelArtifacts"]["S3ModelArtifacts"]) == ("Completed", first["ModelDataUrl"])
    assert fit["HyperParameters"]["recipe"]
    assert (transform["TransformJobStatus"], transform["ModelName"]) == ("Completed", names[1])
    assert training["ModelArtifacts"]["S3ModelArtifacts"] == second["ModelDataUrl"]
    assert training["HyperParameters"]["algorithm"] in {"xgboost", "linear-learner"}
    assert {each["MetricName"] for each in training["FinalMetricDataList"]} >= {"F1", "AUC"}
    assert first["ModelDataUrl"] == third["ModelDataUrl"]
    folder = f"s3://{BUCKET}/out/tuned-classes"
    assert first["ModelDataUrl"] == f"{folder}/data-processor-models/{names[1]}/output/model.tar.gz"
    assert re.fullmatch(
        rf"{folder}/tuning/tuned-clas-dpp\d-(xgb|ll)/{names[3]}/output/model.tar.gz", second["ModelDataUrl"]
    )
    events = session.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=f"{names[3]}/algo-1", startFromHead=True
    )["events"]
    assert len(events) == 2 + 5, "a line for each fold"
    assert training["HyperParameters"]["pipeline"] == fit["HyperParameters"]["pipeline"]
    for name in names[1], names[3]:
        with pytest.raises(
            ClientError, match="The request was rejected because the training job is in status Completed"
        ):
            sagemaker.stop_training_job(TrainingJobName=name)
    listed = sagemaker.list_training_jobs(NameContains="tuned-clas", MaxResults=100)["TrainingJobSummaries"]
    assert {names[1], names[3]} <= {each["TrainingJobName"] for each in listed}
    assert names[0] in str(sagemaker.list_processing_jobs(MaxResults=100))
    assert names[2] in str(sagemaker.list_transform_jobs(NameContains="dpp", MaxResults=100))
    assert sagemaker.list_tags(ResourceArn=processing["ProcessingJobArn"])["Tags"] == []


def test_the_tuning_job_is_described(session: Session, job: Any) -> None:
    sagemaker: Any = session.client("sagemaker")
    best = job["BestCandidate"]
    arn = sagemaker.describe_training_job(TrainingJobName=best["CandidateName"])["TuningJobArn"]
    tuned = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=arn.rpartition("/")[2])
    assert (tuned["HyperParameterTuningJobArn"], tuned["HyperParameterTuningJobStatus"]) == (arn, "Completed")
    assert tuned["BestTrainingJob"]["TrainingJobName"] == best["CandidateName"]
    assert sum(tuned["TrainingJobStatusCounters"].values()) == TRIALS
    definitions = {each["DefinitionName"]: each for each in tuned["TrainingJobDefinitions"]}
    assert tuned["BestTrainingJob"]["TrainingJobDefinitionName"] in definitions
    ranges = definitions["dpp0"]["HyperParameterRanges"]
    assert {"Name": "max_depth", "MinValue": "2", "MaxValue": "10", "ScalingType": "Logarithmic"} in ranges[
        "IntegerParameterRanges"
    ]
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=tuned["HyperParameterTuningJobName"],
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Descending",
        PaginationConfig={"PageSize": 3},
    )
    listed = [each for page in pages for each in page["TrainingJobSummaries"]]
    assert len(listed) == TRIALS
    objectives = [each.get("FinalHyperParameterTuningJobObjectiveMetric") for each in listed]
    values = [objective["Value"] for objective in objectives if objective]
    assert len(values) >= 1
    assert values == sorted(values, reverse=True)
    names = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=100)["HyperParameterTuningJobSummaries"]
    assert tuned["HyperParameterTuningJobName"] in {each["HyperParameterTuningJobName"] for each in names}


def ask(session: Session, name: str, containers: list[Any], body: bytes) -> str:
    create_endpoint(session, name, {"InferenceContainers": containers})
    wait_for_endpoint(session, name)
    answer = invoke(session, name, body)
    session.client("sagemaker").delete_endpoint(EndpointName=name)
    return answer


def test_containers_answer_alone_as_they_do_in_series(session: Session, job: Any) -> None:
    containers = copy.deepcopy(job["BestCandidate"]["InferenceContainers"])
    choose_inference_keys(containers, KEYS)
    together = ask(session, "series", containers, FEATURES)
    rows = list(csv.reader(together.splitlines()))
    assert len(rows) == 40
    assert {row[0] for row in rows} <= {"<=50K", ">50K"}
    body = FEATURES
    for place, container in enumerate(containers):
        body = ask(session, f"alone-{place}", [container], body).encode()
    assert body.decode() == together


def test_a_transform_job_answers_the_same(session: Session, job: Any) -> None:
    sagemaker: Any = session.client("sagemaker")
    create_endpoint(session, "tuned", job["BestCandidate"])
    wait_for_endpoint(session, "tuned")
    session.client("s3").put_object(Bucket=BUCKET, Key="tuned-in/rows.csv", Body=FEATURES)
    sagemaker.create_transform_job(
        TransformJobName="tuned",
        ModelName="tuned",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/tuned-in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/tuned-out", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    ended = wait_for(
        lambda: sagemaker.describe_transform_job(TransformJobName="tuned"),
        lambda found: found["TransformJobStatus"] != "InProgress",
    )
    assert ended["TransformJobStatus"] == "Completed", ended.get("FailureReason")
    written = session.client("s3").get_object(Bucket=BUCKET, Key="tuned-out/rows.csv.out")["Body"].read()
    assert written.decode() == invoke(session, "tuned", FEATURES)


def test_keys_that_are_not_passed_on_are_told(session: Session, job: Any) -> None:
    first, second, third = job["BestCandidate"]["InferenceContainers"]
    third = {**third, "Environment": {**third["Environment"], "SAGEMAKER_INFERENCE_INPUT": "probability"}}
    create_endpoint(session, "misaligned", {"InferenceContainers": [first, second, third]})
    create_endpoint(session, "reversed", {"InferenceContainers": [second, first]})
    words = {"misaligned": r"passes on \[predicted_label\]", "reversed": "a candidate's, all in their order"}
    for name, reason in words.items():
        ended = wait_for(
            lambda name=name: session.client("sagemaker").describe_endpoint(EndpointName=name),  # type: ignore[misc]
            lambda found: found["EndpointStatus"] != "Creating",
        )
        assert ended["EndpointStatus"] == "Failed"
        assert re.search(reason, ended["FailureReason"])


def test_a_regression_has_two_containers(session: Session, number: Any) -> None:
    containers = number["BestCandidate"]["InferenceContainers"]
    assert len(containers) == 2
    assert not any("SAGEMAKER_INFERENCE_OUTPUT" in each["Environment"] for each in containers)
    rows = write_rows(without(PRICES.index("price"), DIAMONDS[600:]))
    answers = [float(line) for line in ask(session, "prices", containers, rows).splitlines()]
    truth = [float(row[PRICES.index("price")]) for row in DIAMONDS[600:]]
    assert len(answers) == len(truth)
    mean = sum(truth) / len(truth)
    assert sum(abs(a - b) for a, b in zip(answers, truth, strict=True)) < sum(abs(mean - b) for b in truth) / 2


def test_a_candidate_is_made_again(session: Session, job: Any) -> None:
    best = job["BestCandidate"]
    estimator = CandidateEstimator(best, sagemaker_session=session)
    assert [step.type for step in estimator.get_steps()] == ["TrainingJob", "TransformJob", "TrainingJob"]
    estimator.fit(f"s3://{BUCKET}/adult/", wait=True, logs=False)
    assert all("rerun" in step["name"] for step in estimator.steps if step["type"] != "ProcessingJob")
    urls = [container["ModelDataUrl"] for container in estimator.containers]
    assert urls[0] == urls[2]
    assert not {*urls} & {container["ModelDataUrl"] for container in best["InferenceContainers"]}
    again = ask(session, "again", estimator.containers, FEATURES)
    assert again == ask(session, "before", best["InferenceContainers"], FEATURES), "the same data make the same model"
    transformed = next(step["name"] for step in estimator.steps if step["type"] == "TransformJob")
    output = session.describe_transform_job(transformed)["TransformOutput"]["S3OutputPath"]
    key = f"{output.removeprefix(f's3://{BUCKET}/')}/adult.csv.out"
    numbers = session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines()
    assert len(numbers) == 600


def test_a_stopped_job_keeps_its_best_model(session: Session) -> None:
    config = tuning(None, "linear-learner")
    create(session, request("tuning-stopped", "adult/", "income", 0, AutoMLJobConfig=config))
    wait_for_candidates(session, "tuning-stopped")
    session.client("sagemaker").stop_auto_ml_job(AutoMLJobName="tuning-stopped")
    job = wait_for_end(session, "tuning-stopped")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert job["BestCandidate"]["CandidateStatus"] == "Completed"
    assert {each["CandidateStatus"] for each in candidates(session, "tuning-stopped")} <= {"Completed", "Stopped"}


def test_a_killed_workers_tuning_is_gone_on_with(server: RunningServer, session: Session) -> None:
    config = tuning(TRIALS, "linear-learner")
    create(session, request("tuning-killed", "adult/", "income", 0, AutoMLJobConfig=config))
    before = wait_for_candidates(session, "tuning-killed")
    worker = server.worker_of("tuning-killed")
    assert worker is not None
    worker.kill()
    job = wait_for_end(session, "tuning-killed")
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    after = {each["CandidateName"]: each for each in candidates(session, "tuning-killed")}
    assert len(after) == TRIALS
    assert [after[each["CandidateName"]] for each in before] == before
    assert "was trained before" in text_of(session, "tuning-killed")
