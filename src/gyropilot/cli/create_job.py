"""Sends tables to the server and creates the job that learns from them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.cli.tables import Tables
from gyropilot.sdk.names import MAX_JOB_NAME_CHARACTERS

if TYPE_CHECKING:
    from gyropilot.sdk import AutoMLDataChannel, Session

SEED_TAG = "gyropilot:seed"
"""The tag by which a job is told where randomness starts: AWS's requests have no member for it."""


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
    mode: str = "ENSEMBLING"
    """How models are looked for, in AWS's word."""
    validation: Tables | None = None
    """Files of rows that models are only scored on."""
    validation_fraction: float | None = None
    """Share of the rows that models are only scored on."""
    weights: str | None = None
    """The column that says how much each row counts."""
    features: tuple[str, ...] = ()
    """The columns to learn from; empty: all."""
    max_candidates: int | None = None
    """How many models at most; None: as many as the time allows."""
    algorithms: tuple[str, ...] = ()
    """Algorithms that may be used; empty: all."""
    seed: int | None = None
    """Where randomness starts."""
    goal: Mapping[str, Any] = field(default_factory=dict)
    """Problem type and objective, as members of the request."""

    @property
    def folder(self) -> str:
        """What the keys of the job's data begin with."""
        return f"gyropilot/{self.name}"


def name_job(path: Path) -> str:
    """Return a name for a job on this file: its stem and the time."""
    moment = time.strftime("%m%d-%H%M%S")
    room = MAX_JOB_NAME_CHARACTERS - len(moment) - 1
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", path.name.partition(".")[0]).strip("-")[:room]
    return f"{stem.strip('-') or 'job'}-{moment}"


def create_job(session: Session, plan: JobPlan) -> None:
    """Put the files into the default bucket and create the job."""
    from gyropilot.sdk import AutoMLTabularConfig, AutoMLV2

    channels = [_upload(session, plan.tables, f"{plan.folder}/data", "training")]
    if plan.validation is not None:
        channels.append(_upload(session, plan.validation, f"{plan.folder}/validation", "validation"))
    config = AutoMLTabularConfig(
        plan.target,
        algorithms_config=list(plan.algorithms) or None,
        feature_specification_s3_uri=_upload_features(session, plan) if plan.features else None,
        mode=plan.mode,
        problem_type=plan.goal.get("ProblemType"),
        sample_weight_attribute_name=plan.weights,
        max_candidates=plan.max_candidates,
        max_total_job_runtime_in_seconds=plan.max_runtime_seconds,
    )
    bucket, key = session.default_location("gyropilot", "output")
    AutoMLV2(
        config,
        output_path=f"s3://{bucket}/{key}",
        job_objective=plan.goal.get("AutoMLJobObjective"),
        validation_fraction=plan.validation_fraction,
        tags=None if plan.seed is None else {SEED_TAG: str(plan.seed)},
        sagemaker_session=session,
    ).fit(channels, wait=False, logs=False, job_name=plan.name)


def _upload(session: Session, tables: Tables, folder: str, channel_type: str) -> AutoMLDataChannel:
    from gyropilot.sdk import AutoMLDataChannel

    bucket, prefix = session.default_location(folder)
    for path in tables.paths:
        session.upload_data(path, bucket, prefix)
    return AutoMLDataChannel(
        "S3Prefix",
        f"s3://{bucket}/{prefix}/",
        channel_type=channel_type,
        compression_type=tables.compression,
        content_type=tables.content_type,
    )


def _upload_features(session: Session, plan: JobPlan) -> str:
    """Store which columns are learned from and return the address of that."""
    bucket, key = session.default_location(plan.folder, "features.json")
    document = json.dumps({"FeatureAttributeNames": list(plan.features)}, ensure_ascii=False)
    return session.upload_string_as_file_body(document, bucket, key)
