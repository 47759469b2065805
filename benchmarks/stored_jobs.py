"""Fills a state folder with finished jobs, as many years of use would have left them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gyropilot.service.records import AutoMLJob, Candidate, Container, Metric, Problem, Record, StateChange
from gyropilot.service.states import CandidateStatus, JobStatus, JobStep
from gyropilot.storage.databases import locate_sqlite, open_database
from gyropilot.storage.record_table import make_row, records

BUCKET = "benchmark"
ROLE = "arn:aws:iam::000000000000:role/GyropilotExecutionRole"
STEPS = (
    JobStep.STARTING,
    JobStep.ANALYZING_DATA,
    JobStep.PRE_TRAINING,
    JobStep.TRAINING_MODELS,
    JobStep.COMPLETED,
)
METRICS = ("f1", "accuracy", "balanced_accuracy", "precision", "recall", "roc_auc", "log_loss")


def fill(home: Path, count: int) -> list[str]:
    """Store so many finished jobs, each with its best candidate, and return their names; no server may run."""
    home.mkdir(parents=True, exist_ok=True)
    database = open_database(locate_sqlite(home / "records.db"))
    names = [f"finished-{number:06}" for number in range(count)]
    try:
        with database.write() as connection:
            connection.execute(
                sa.insert(records),
                [make_row(record) for number, name in enumerate(names) for record in make_job(name, number)],
            )
    finally:
        database.close()
    return names


def request_job(name: str, key: str = "train/") -> Mapping[str, Any]:
    """Return the parameters of `CreateAutoMLJob`."""
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{key}"}
    return {
        "AutoMLJobName": name,
        "InputDataConfig": [{"DataSource": {"S3DataSource": place}, "TargetAttributeName": "y"}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "AutoMLJobConfig": {"Mode": "ENSEMBLING", "CompletionCriteria": {"MaxCandidates": 10}},
        "RoleArn": ROLE,
    }


def make_job(name: str, number: int) -> Iterator[Record]:
    """Yield a job that ended, and its best candidate."""
    made_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    ended_at = made_at + timedelta(minutes=10)
    best = make_best_candidate(name, made_at)
    yield AutoMLJob(
        name=name,
        version=1,
        request=request_job(name),
        problem=Problem(data_uri=f"s3://{BUCKET}/train/", target="y", output_uri=f"s3://{BUCKET}/output"),
        created_by="admin",
        status=JobStatus.COMPLETED,
        step=JobStep.COMPLETED,
        created_at=made_at,
        started_at=made_at,
        ended_at=ended_at,
        modified_at=ended_at,
        attempts=1,
        best_candidate=best.name,
        resolved_problem_type="binary",
        resolved_objective="f1",
        history=tuple(
            StateChange(
                at=made_at + timedelta(minutes=place),
                status=JobStatus.COMPLETED if step is JobStep.COMPLETED else JobStatus.IN_PROGRESS,
                step=step,
            )
            for place, step in enumerate(STEPS)
        ),
    )
    yield best


def make_best_candidate(job: str, made_at: datetime) -> Candidate:
    """Return a candidate that was trained."""
    figures = tuple(Metric(name=metric, value=0.9, higher_is_better=metric != "log_loss") for metric in METRICS)
    return Candidate(
        name=f"{job}-best",
        parent=job,
        version=1,
        algorithm="weighted-ensemble",
        status=CandidateStatus.COMPLETED,
        created_at=made_at + timedelta(minutes=3),
        modified_at=made_at + timedelta(minutes=9),
        ended_at=made_at + timedelta(minutes=9),
        objective=figures[0],
        metrics=figures,
        latency_seconds=0.001,
        fit_seconds=60.0,
        containers=(
            Container(
                image="000000000000.dkr.ecr.us-east-1.amazonaws.com/gyropilot:1",
                model_data_url=f"s3://{BUCKET}/output/{job}/model/best/model.tar.gz",
                environment={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"},
            ),
        ),
    )
