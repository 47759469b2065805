"""Batch transform: a model's predictions for whole files, and what may happen on the way."""

from __future__ import annotations

import io
import json
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.sdk import Session
from tests.acceptance.conftest import ROWS
from tests.acceptance.running import (
    BUCKET,
    JOB_SECONDS,
    RunningServer,
    create_endpoint,
    invoke,
    read_rows,
    wait_for,
    wait_for_end,
    wait_for_endpoint,
    without,
    write_rows,
)

HEADER, ALL_ROWS = read_rows("adult.csv", ROWS + 300)
TARGET = HEADER.index("income")
FEATURES = without(TARGET, ALL_ROWS[ROWS:])
NAMES = without(TARGET, [HEADER])

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles" / "0.1.0-binary.tar.gz"
"""A model that was trained long ago: of an amount, a colour and a day."""
SMALL = write_rows([["0.5", "red", "2024-03-04"], ["-2", "", "2023-12-31"]])
LABELS = b"yes\nno\n"
LONG = SMALL * 200_000


def put(session: Session, key: str, body: bytes) -> None:
    session.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def get(session: Session, key: str) -> bytes:
    return session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def keys(session: Session, prefix: str) -> list[str]:
    return [
        blob["Key"] for blob in session.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    ]


def create_stored_model(session: Session) -> None:
    put(session, "stored/model.tar.gz", ARCHIVE.read_bytes())
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1"
    session.client("sagemaker").create_model(
        ModelName="stored",
        PrimaryContainer={"Image": image, "ModelDataUrl": f"s3://{BUCKET}/stored/model.tar.gz"},
        ExecutionRoleArn="arn:aws:iam::000000000000:role/GyropilotExecutionRole",
    )


def transform(session: Session, name: str, model: str = "stored", **changes: Any) -> None:
    """Create a job that reads `NAME/in/` and writes `NAME/out/`; `changes` replace members."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/in/"}
    asked = {
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/{name}/out", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }
    session.client("sagemaker").create_transform_job(TransformJobName=name, ModelName=model, **cast("Any", asked))


def describe(session: Session, name: str) -> Any:
    return session.client("sagemaker").describe_transform_job(TransformJobName=name)


def wait(session: Session, name: str) -> Any:
    open_states = {"InProgress", "Stopping"}
    return wait_for(
        lambda: describe(session, name),
        lambda job: job["TransformJobStatus"] not in open_states,
        seconds=JOB_SECONDS,
    )


def log_of(session: Session, name: str) -> str:
    logs, group = session.client("logs"), "/aws/sagemaker/TransformJobs"
    streams: list[Any] = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
    return "\n".join(event["message"] for event in events["events"])


@pytest.fixture(scope="module")
def stored(session: Session) -> str:
    create_stored_model(session)
    return "stored"


# --- after a job ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adult(session: Session, jobs: None) -> str:
    """The best candidate of a job as a model and behind an endpoint."""
    best = wait_for_end(session, "two-classes")["BestCandidate"]
    create_endpoint(session, "many-rows", best, SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probability")
    wait_for_endpoint(session, "many-rows")
    return "many-rows"


def test_the_predictions_of_two_files_are_the_endpoints(session: Session, adult: str) -> None:
    first, second = write_rows([*NAMES, *FEATURES[:200]]), write_rows(FEATURES[200:])
    put(session, "twice/in/a.csv", first)
    put(session, "twice/in/more/b.csv", second)
    transform(session, "twice", adult)
    session.client("sagemaker").get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName="twice", WaiterConfig={"Delay": 1, "MaxAttempts": JOB_SECONDS}
    )
    assert describe(session, "twice")["TransformJobStatus"] == "Completed"
    assert keys(session, "twice/out") == ["twice/out/a.csv.out", "twice/out/more/b.csv.out"]
    assert get(session, "twice/out/a.csv.out").decode() == invoke(session, adult, first)
    assert get(session, "twice/out/more/b.csv.out").decode() == invoke(session, adult, second)
    assert "s3://acceptance/twice/in/a.csv: 200 rows in" in log_of(session, "twice")


def test_an_id_goes_with_its_prediction(session: Session, adult: str) -> None:
    put(session, "joined/in/a.csv", write_rows([[f"id-{place}", *row] for place, row in enumerate(FEATURES)]))
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-2]"}
    transform(session, "joined", adult, DataProcessing=processing)
    assert wait(session, "joined")["TransformJobStatus"] == "Completed"
    labels = [line.partition(",")[0] for line in invoke(session, adult, write_rows(FEATURES)).splitlines()]
    expected = write_rows([[f"id-{place}", label] for place, label in enumerate(labels)])
    assert get(session, "joined/out/a.csv.out") == expected


def test_a_table_of_parquet_is_read_by_the_names_of_its_columns(session: Session, stored: str) -> None:
    with tarfile.open(ARCHIVE) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        amount, colour, day = json.load(manifest)["encoder"]["columns"]
    sink = io.BytesIO()
    pyarrow.parquet.write_table(
        pa.table({day: ["2024-03-04", "2023-12-31"], "id": [1, 2], amount: [0.5, -2], colour: ["red", None]}), sink
    )
    put(session, "columns/in/a.parquet", sink.getvalue())
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/columns/in/"}
    asked = {"DataSource": {"S3DataSource": source}, "ContentType": "application/x-parquet"}
    transform(session, "columns", TransformInput=asked)
    transform(session, "columns-by-line", TransformInput={**asked, "SplitType": "Line"})
    assert wait(session, "columns")["TransformJobStatus"] == "Completed"
    assert get(session, "columns/out/a.parquet.out") == LABELS
    refused = wait(session, "columns-by-line")
    assert refused["TransformJobStatus"] == "Failed"
    assert "application/x-parquet has none. Use None." in refused["FailureReason"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_bad_row_fails_the_job_with_its_file_and_line(session: Session, stored: str) -> None:
    put(session, "bad/in/a.csv", SMALL)
    put(session, "bad/in/b.csv", SMALL + b"1,2\n")
    transform(session, "bad", stored)
    job = wait(session, "bad")
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "ClientError: s3://acceptance/bad/in/b.csv, line 3: Received data of unknown size. "
        "Expected number of columns is 3. Number of columns in the received data is 2."
    )
    assert keys(session, "bad/out") == ["bad/out/a.csv.out"]
    assert job["FailureReason"] in log_of(session, "bad")


def test_a_stopped_job_leaves_no_output(server: RunningServer, session: Session, stored: str) -> None:
    put(session, "halted/in/a.csv", SMALL)
    put(session, "halted/in/b.csv", LONG)
    transform(session, "halted", stored)
    wait_for(lambda: keys(session, "halted/out"), bool)
    session.client("sagemaker").stop_transform_job(TransformJobName="halted")
    assert wait(session, "halted")["TransformJobStatus"] == "Stopped"
    assert keys(session, "halted/out") == []
    assert session.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_killed_workers_job_goes_on_with_the_next_file(server: RunningServer, session: Session, stored: str) -> None:
    put(session, "killed/in/a.csv", SMALL)
    put(session, "killed/in/b.csv", LONG)
    transform(session, "killed", stored)
    wait_for(lambda: keys(session, "killed/out"), bool)
    worker = server.worker_of("killed", "transform-job")
    assert worker is not None
    worker.kill()
    assert wait(session, "killed")["TransformJobStatus"] == "Completed"
    assert get(session, "killed/out/b.csv.out") == LABELS * (len(LONG) // len(SMALL))
    assert "attempt 2" in log_of(session, "killed")
    assert "s3://acceptance/killed/in/a.csv was done before." in log_of(session, "killed")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "home", {"GYROPILOT_LEASE_SECONDS": "3"})
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_comes_back_goes_on(own_server: RunningServer, number: signal.Signals) -> None:
    session = Session(home=own_server.home)
    session.client("s3").create_bucket(Bucket=BUCKET)
    create_stored_model(session)
    put(session, "batch/in/a.csv", SMALL)
    put(session, "batch/in/b.csv", LONG)
    transform(session, "batch")
    wait_for(lambda: keys(session, "batch/out"), bool)
    own_server.end(number)
    session = own_server.start()
    assert wait(session, "batch")["TransformJobStatus"] == "Completed"
    assert get(session, "batch/out/a.csv.out") == LABELS
    assert get(session, "batch/out/b.csv.out") == LABELS * (len(LONG) // len(SMALL))
    assert "was done before" in log_of(session, "batch")
