"""Sends tables to the server and creates the job that learns from them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.cli.tables import Tables

if TYPE_CHECKING:
    from gyropilot.sdk import Session

NAME_CHARACTERS = 32
"""The longest name of a job that AWS allows."""


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """What a job is to do."""

    name: str
    """The job's name."""
    tables: Tables
    """The files to learn from."""
    target: str
    """The column to predict."""
    max_runtime_seconds: int
    """Limit of the job."""
    max_candidates: int | None = None
    """How many models at most; None: as many as the time allows."""
    algorithms: tuple[str, ...] = ()
    """Algorithms that may be used; empty: all."""
    goal: Mapping[str, object] = field(default_factory=dict)
    """Problem type and objective, as members of the request."""


def name_job(path: Path) -> str:
    """Return a name for a job on this file: its stem and the time."""
    moment = time.strftime("%m%d-%H%M%S")
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", path.name.partition(".")[0]).strip("-")[: NAME_CHARACTERS - len(moment) - 1]
    return f"{stem.strip('-') or 'job'}-{moment}"


def create_job(session: Session, plan: JobPlan) -> None:
    """Put the files into the default bucket and create the job."""
    bucket = session.default_bucket()
    data = f"gyropilot/{plan.name}/data/"
    s3 = session.client("s3")
    for path in plan.tables.paths:
        s3.upload_file(str(path), bucket, data + path.name)
    session.client("sagemaker").create_auto_ml_job(**make_request(plan, bucket, data, session.role_arn))


def make_request(plan: JobPlan, bucket: str, data: str, role_arn: str) -> dict[str, Any]:
    """Return the parameters of `create_auto_ml_job`."""
    criteria: dict[str, Any] = {"MaxAutoMLJobRuntimeInSeconds": plan.max_runtime_seconds}
    if plan.max_candidates is not None:
        criteria["MaxCandidates"] = plan.max_candidates
    config: dict[str, Any] = {"CompletionCriteria": criteria, "Mode": "ENSEMBLING"}
    if plan.algorithms:
        config["CandidateGenerationConfig"] = {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(plan.algorithms)}]}
    return {
        "AutoMLJobName": plan.name,
        "InputDataConfig": [
            {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{data}"}},
                "TargetAttributeName": plan.target,
                "ContentType": plan.tables.content_type,
                "CompressionType": plan.tables.compression,
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/gyropilot/output"},
        "AutoMLJobConfig": config,
        "RoleArn": role_arn,
        **plan.goal,
    }
