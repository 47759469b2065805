"""A candidate as the training job that AWS would have run for it."""

from __future__ import annotations

from typing import Any

import orjson

from gyropilot.api.documents.generations import request_as_v1
from gyropilot.api.documents.job_requests import CSV
from gyropilot.api.documents.metrics import describe_metric
from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob, Candidate
from gyropilot.service.states import CandidateStatus

DEFAULT_RUNTIME_SECONDS = 86_400
"""The limit that is shown for a candidate without one of its own: AWS's default."""

LOCAL_RESOURCES = {"InstanceType": "local", "InstanceCount": 1, "VolumeSizeInGB": 1}
"""What a candidate is trained on: the machine itself."""


def summarize_training_job(candidate: Candidate, identity: Identity) -> dict[str, Any]:
    """Return a `TrainingJobSummary`."""
    document: dict[str, Any] = {
        "TrainingJobName": candidate.name,
        "TrainingJobArn": identity.training_job_arn(candidate.name),
        "CreationTime": candidate.created_at,
        "LastModifiedTime": candidate.modified_at,
        "TrainingJobStatus": candidate.status.value,
        "SecondaryStatus": _secondary_status(candidate.status),
    }
    return document if candidate.ended_at is None else document | {"TrainingEndTime": candidate.ended_at}


def describe_training_job(candidate: Candidate, job: AutoMLJob, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeTrainingJob`."""
    request = request_as_v1(job)
    security = request.get("AutoMLJobConfig", {}).get("SecurityConfig", {})
    document: dict[str, Any] = {
        **summarize_training_job(candidate, identity),
        "AutoMLJobArn": identity.job_arn(job.name),
        "ModelArtifacts": {"S3ModelArtifacts": _find_artifacts(candidate, job)},
        "HyperParameters": _describe_parameters(candidate),
        "AlgorithmSpecification": {"TrainingImage": identity.ensembling_image, "TrainingInputMode": "File"},
        "RoleArn": request["RoleArn"],
        "InputDataConfig": [_describe_channel(request["InputDataConfig"])],
        "OutputDataConfig": request["OutputDataConfig"],
        "ResourceConfig": LOCAL_RESOURCES,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": int(job.problem.max_runtime_per_candidate_seconds or DEFAULT_RUNTIME_SECONDS)
        },
        "TrainingStartTime": candidate.created_at,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": security.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": False,
    }
    if "VpcConfig" in security:
        document["VpcConfig"] = security["VpcConfig"]
    if candidate.ended_at is not None:
        document["FinalMetricDataList"] = _describe_metrics(candidate)
    if candidate.failure_reason:
        document["FailureReason"] = candidate.failure_reason[:1024]
    return document


def _describe_parameters(candidate: Candidate) -> dict[str, str]:
    """Return what rebuilds the candidate, the algorithm's name among it."""
    return {
        name: _write_parameter(value)
        for name, value in ({"algorithm": candidate.algorithm} | {**candidate.parameters}).items()
    }


def _secondary_status(status: CandidateStatus) -> str:
    return "Training" if status is CandidateStatus.IN_PROGRESS else status.value


def _find_artifacts(candidate: Candidate, job: AutoMLJob) -> str:
    if candidate.containers:
        return candidate.containers[0].model_data_url
    return f"{job.problem.output_uri.rstrip('/')}/{job.name}"


def _describe_channel(channels: list[dict[str, Any]]) -> dict[str, Any]:
    channel = next(channel for channel in channels if channel.get("ChannelType", "training") == "training")
    source = channel["DataSource"]["S3DataSource"]
    return {
        "ChannelName": "train",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": source["S3DataType"],
                "S3Uri": source["S3Uri"],
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "ContentType": channel.get("ContentType", CSV),
    }


def _describe_metrics(candidate: Candidate) -> list[dict[str, Any]]:
    described = (describe_metric(metric) for metric in candidate.metrics)
    return [
        {"MetricName": document["StandardMetricName"], "Value": document["Value"], "Timestamp": candidate.ended_at}
        for document in described
        if document is not None
    ]


def _write_parameter(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()[:2500]
