"""From a CSV file to predictions over HTTP, with nothing but boto3.

The calls are those of Amazon SageMaker Autopilot: only the endpoint and the keys, which come from the environment, and
the role differ. Point boto3 at your Gyropilot server first:

    eval "$(gyropilot env)"
    python examples/quickstart.py

The data says of 10,000 people whether they earn more than 50,000 dollars a year (see examples/data/README.md). We
keep a fifth of the rows for ourselves, train on the others, deploy the best model, and see how often it is right.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import AutoMLCandidateTypeDef
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

DATA = Path(__file__).parent / "data" / "adult.csv"
TARGET = "income"
BUDGET_SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
HELD_OUT = 5  # one row in so many is kept for testing
SHOWN_METRICS = ("Accuracy", "F1", "AUC", "LogLoss")
SHOWN_CANDIDATES = 10
LATENCY_CALLS = 100

NAME = f"quickstart-{time.strftime('%m%d-%H%M%S')}"  # of the job, the bucket, the model, the endpoint
ROLE = "arn:aws:iam::{account}:role/GyropilotExecutionRole"

Rows = list[list[str]]


def main() -> None:
    if "AWS_ENDPOINT_URL" not in os.environ:
        sys.exit('Point boto3 at your Gyropilot server first: eval "$(gyropilot env)"')
    s3 = boto3.client("s3")
    sagemaker = boto3.client("sagemaker")
    runtime = boto3.client("sagemaker-runtime")
    role = ROLE.format(account=boto3.client("sts").get_caller_identity()["Account"])

    header, training, held_out = split_rows(DATA)
    try:
        step(1, f"Upload {len(training)} rows to s3://{NAME}/train.csv")
        s3.create_bucket(Bucket=NAME)
        s3.put_object(Bucket=NAME, Key="train.csv", Body=write_csv([header, *training]))

        step(2, f"Train for {BUDGET_SECONDS} seconds")
        create_job(sagemaker, role)
        best = wait_for_job(sagemaker)

        step(3, "Leaderboard")
        show_leaderboard(sagemaker)

        step(4, f"Deploy {best['CandidateName']}")
        deploy(sagemaker, role, best)

        step(5, f"Predict {len(held_out)} rows that the model has not seen")
        predict(runtime, header, held_out)
    finally:
        step(6, "Clean up")
        clean_up(s3, sagemaker)

    program = "gyropilot" if shutil.which("gyropilot") else os.path.relpath(Path(sys.executable).parent / "gyropilot")
    print(f"""
Try next:
  {program} fit {os.path.relpath(DATA)} --target {TARGET}
  {program} describe {NAME}
  {program} jobs""")


def step(number: int, title: str) -> None:
    print(f"\n[{number}] {title}", flush=True)


# --- 1: the data ------------------------------------------------------------------------------------------------------


def split_rows(path: Path) -> tuple[list[str], Rows, Rows]:
    """Return the header, the rows to train on and the rows to test with."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    training = [row for number, row in enumerate(rows) if number % HELD_OUT]
    held_out = rows[::HELD_OUT]
    return header, training, held_out


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# --- 2: the job -------------------------------------------------------------------------------------------------------


def create_job(sagemaker: SageMakerClient, role: str) -> None:
    sagemaker.create_auto_ml_job(
        AutoMLJobName=NAME,
        InputDataConfig=[
            {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{NAME}/train.csv"}},
                "TargetAttributeName": TARGET,
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{NAME}/output"},
        ProblemType="BinaryClassification",
        AutoMLJobObjective={"MetricName": "Accuracy"},
        AutoMLJobConfig={
            "Mode": "ENSEMBLING",
            "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": BUDGET_SECONDS},
        },
        RoleArn=role,
    )


def wait_for_job(sagemaker: SageMakerClient) -> AutoMLCandidateTypeDef:
    """Print the job's progress as it changes and return the best candidate."""
    began = time.monotonic()
    told = ""
    while True:
        job = sagemaker.describe_auto_ml_job(AutoMLJobName=NAME)
        candidates = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=NAME, StatusEquals="Completed")
        news = f"{job['AutoMLJobStatus']:<11} {job['AutoMLJobSecondaryStatus']:<26}"
        news += f" {len(candidates['Candidates'])} candidates"
        if "BestCandidate" in job:
            metric = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
            news += f", best {metric['MetricName']} {metric['Value']:.4f}"
        if news != told:
            print(f"    {time.monotonic() - began:5.1f} s  {news}", flush=True)
            told = news
        if job["AutoMLJobStatus"] not in ("InProgress", "Stopping"):
            break
        time.sleep(0.5)
    if "BestCandidate" not in job:
        sys.exit(f"The job ended without a model: {job.get('FailureReason', 'no reason given')}")
    return job["BestCandidate"]


# --- 3: the leaderboard -----------------------------------------------------------------------------------------------


def show_leaderboard(sagemaker: SageMakerClient) -> None:
    answer = sagemaker.list_candidates_for_auto_ml_job(
        AutoMLJobName=NAME, StatusEquals="Completed", SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )
    print(f"     #  {'candidate':<36} {'algorithm':<17}" + "".join(f"{name:>9}" for name in SHOWN_METRICS))
    for place, candidate in enumerate(answer["Candidates"][:SHOWN_CANDIDATES], 1):
        metrics: dict[str, float] = {
            metric["StandardMetricName"]: metric["Value"]
            for metric in candidate["CandidateProperties"]["CandidateMetrics"]
        }
        values = "".join(f"{metrics[name]:9.4f}" for name in SHOWN_METRICS)
        training = sagemaker.describe_training_job(TrainingJobName=candidate["CandidateSteps"][0]["CandidateStepName"])
        algorithm = training["HyperParameters"]["algorithm"]
        print(f"    {place:>2}  {candidate['CandidateName']:<36} {algorithm:<17}{values}")
    if len(answer["Candidates"]) > SHOWN_CANDIDATES:
        print(f"        and {len(answer['Candidates']) - SHOWN_CANDIDATES} more")


# --- 4: the endpoint --------------------------------------------------------------------------------------------------


def deploy(sagemaker: SageMakerClient, role: str, best: AutoMLCandidateTypeDef) -> None:
    began = time.monotonic()
    sagemaker.create_model(
        ModelName=NAME,
        Containers=best["InferenceContainers"],  # type: ignore[arg-type]  # boto3 has two names for this shape
        ExecutionRoleArn=role,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[
            {"VariantName": "all", "ModelName": NAME, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    while (endpoint := sagemaker.describe_endpoint(EndpointName=NAME))["EndpointStatus"] == "Creating":
        time.sleep(0.2)
    if endpoint["EndpointStatus"] != "InService":
        sys.exit(f"The endpoint failed: {endpoint.get('FailureReason', 'no reason given')}")
    print(f"    in service after {time.monotonic() - began:.1f} s")


# --- 5: predictions ---------------------------------------------------------------------------------------------------


def predict(runtime: SageMakerRuntimeClient, header: list[str], rows: Rows) -> None:
    target = header.index(TARGET)
    truth = [row[target] for row in rows]
    features = [row[:target] + row[target + 1 :] for row in rows]

    predicted = invoke(runtime, features)
    for row, answer, right in list(zip(features, predicted, truth, strict=True))[:5]:
        print(f"    age {row[0]}, {row[3]}, {row[6] or 'no occupation'}: predicted {answer}, in truth {right}")
    hits = sum(answer == right for answer, right in zip(predicted, truth, strict=True))
    print(f"    Accuracy on {len(rows)} held-out rows: {hits / len(rows):.4f}")

    seconds = []
    for number in range(LATENCY_CALLS):
        began = time.perf_counter()
        invoke(runtime, [features[number % len(features)]])
        seconds.append(time.perf_counter() - began)
    milliseconds = statistics.median(seconds) * 1000
    print(f"    One row takes {milliseconds:.1f} ms through boto3 (median of {LATENCY_CALLS} calls)")


def invoke(runtime: SageMakerRuntimeClient, features: Rows) -> list[str]:
    answer = runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=write_csv(features))
    return [row[0] for row in csv.reader(answer["Body"].read().decode().splitlines())]


# --- 6: the end -------------------------------------------------------------------------------------------------------


def clean_up(s3: S3Client, sagemaker: SageMakerClient) -> None:
    """Remove what was made, as far as it was; the job stays as a record."""
    if sagemaker.list_endpoints(NameContains=NAME)["Endpoints"]:
        sagemaker.delete_endpoint(EndpointName=NAME)
    if sagemaker.list_endpoint_configs(NameContains=NAME)["EndpointConfigs"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
    if sagemaker.list_models(NameContains=NAME)["Models"]:
        sagemaker.delete_model(ModelName=NAME)
    if NAME in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=NAME):
            for found in page.get("Contents", []):
                s3.delete_object(Bucket=NAME, Key=found["Key"])
        s3.delete_bucket(Bucket=NAME)
    print("    endpoint, model, objects and bucket are gone")


if __name__ == "__main__":
    main()
