"""Training jobs as AWS's documents: those of one's own, and the one that AWS would have run for a candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from gyropilot.api.documents.generations import request_as_v1
from gyropilot.api.documents.job_requests import CSV
from gyropilot.api.documents.metrics import describe_metric
from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob, Candidate, Metric, TrainingJob
from gyropilot.service.states import CandidateStatus, JobStep
from gyropilot.service.tuning_names import name_trial_folder, name_tuning_job

DEFAULT_RUNTIME_SECONDS = 86_400
"""The limit that is shown for a candidate without one of its own: AWS's default."""

TRAINING_RESOURCES = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50}
"""What a candidate is shown to be trained on, as AWS's own are: types are those of AWS, of which no machine is here."""


STEPS: Mapping[JobStep, str] = {
    JobStep.STARTING: "Starting",
    JobStep.TRAINING_MODELS: "Training",
    JobStep.COMPLETED: "Completed",
    JobStep.STOPPING: "Stopping",
    JobStep.STOPPED: "Stopped",
    JobStep.FAILED: "Failed",
}
"""The secondary status of a training job at each of its steps."""

ECHOED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "CheckpointConfig",
    "ExperimentConfig",
    "Environment",
)
"""Members of the request that describe gives back exactly as they were sent, and only if they were."""


def summarize_training_job(record: TrainingJob | Candidate, identity: Identity) -> dict[str, Any]:
    """Return a `TrainingJobSummary`, which every description of the job begins with."""
    document: dict[str, Any] = {
        "TrainingJobName": record.name,
        "TrainingJobArn": identity.training_job_arn(record.name),
        "CreationTime": record.created_at,
        "LastModifiedTime": record.modified_at,
        "TrainingJobStatus": record.status.value,
        "SecondaryStatus": _secondary_status(record),
    }
    return document if record.ended_at is None else document | {"TrainingEndTime": record.ended_at}


def describe_own_training_job(job: TrainingJob, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeTrainingJob` for a job that was asked for by itself."""
    request = job.request
    folder = f"{job.training.problem.output_uri.rstrip('/')}/{job.name}/output/model.tar.gz"
    document: dict[str, Any] = {
        "ResourceConfig": TRAINING_RESOURCES,
        "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECONDS, **request.get("StoppingCondition", {})},
        **{name: request[name] for name in ECHOED if name in request},
        **summarize_training_job(job, identity),
        "ModelArtifacts": {"S3ModelArtifacts": job.model_data_url or folder},
        "SecondaryStatusTransitions": _describe_transitions(job),
    }
    for name in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
        document[name] = request.get(name, False)
    if job.started_at is not None:
        document["TrainingStartTime"] = job.started_at
    if job.metrics and job.ended_at is not None:
        document["FinalMetricDataList"] = _describe_metrics(job.metrics, job.ended_at)
    return document | ({"FailureReason": job.failure_reason} if job.failure_reason else {})


def _describe_transitions(job: TrainingJob) -> list[dict[str, Any]]:
    """Return the steps that a job has been in, each with its beginning and, once it is over, its end."""
    ends = [change.at for change in job.history[1:]] + [job.ended_at]
    return [
        {"Status": STEPS[change.step], "StartTime": change.at, **({} if end is None else {"EndTime": end})}
        for change, end in zip(job.history, ends, strict=True)
    ]


def describe_training_job(candidate: Candidate, job: AutoMLJob, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeTrainingJob`."""
    request = request_as_v1(job)
    security = request.get("AutoMLJobConfig", {}).get("SecurityConfig", {})
    document: dict[str, Any] = {
        **summarize_training_job(candidate, identity),
        "AutoMLJobArn": identity.job_arn(job.name),
        "ModelArtifacts": {"S3ModelArtifacts": _find_artifacts(candidate, job)},
        "HyperParameters": describe_parameters(candidate),
        "AlgorithmSpecification": {
            "TrainingImage": identity.training_image(candidate.name),
            "TrainingInputMode": "File",
        },
        "RoleArn": request["RoleArn"],
        "InputDataConfig": [describe_channel(job)],
        "OutputDataConfig": _find_output(candidate, job),
        "ResourceConfig": TRAINING_RESOURCES,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": int(job.problem.max_runtime_per_candidate_seconds or DEFAULT_RUNTIME_SECONDS)
        },
        "TrainingStartTime": candidate.created_at,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": security.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": False,
    }
    if candidate.pipeline:
        document["TuningJobArn"] = identity.tuning_job_arn(name_tuning_job(job.name))
    if "VpcConfig" in security:
        document["VpcConfig"] = security["VpcConfig"]
    if candidate.ended_at is not None:
        document["FinalMetricDataList"] = _describe_metrics(candidate.metrics, candidate.ended_at)
    if candidate.failure_reason:
        document["FailureReason"] = candidate.failure_reason[:1024]
    return document


def describe_parameters(candidate: Candidate) -> dict[str, str]:
    """Return what rebuilds the candidate, the algorithm's name among it, and of a trial its pipeline."""
    named = {"algorithm": candidate.algorithm}
    if candidate.pipeline:
        named |= {"pipeline": candidate.pipeline, "recipe": ",".join(candidate.recipe)}
    return {name: _write_parameter(value) for name, value in {**named, **candidate.parameters}.items()}


def _secondary_status(record: TrainingJob | Candidate) -> str:
    if isinstance(record, TrainingJob):
        return STEPS[record.step]
    return "Training" if record.status is CandidateStatus.IN_PROGRESS else record.status.value


def find_folder(job: AutoMLJob) -> str:
    """Return the address of a job's folder below its output path."""
    return f"{job.problem.output_uri.rstrip('/')}/{job.name}"


def _find_artifacts(candidate: Candidate, job: AutoMLJob) -> str:
    """Return where the model is that the training job made: of several containers, the second one's."""
    if candidate.containers:
        return candidate.containers[:2][-1].model_data_url
    return find_folder(job)


def _find_output(candidate: Candidate, job: AutoMLJob) -> dict[str, Any]:
    output: dict[str, Any] = request_as_v1(job)["OutputDataConfig"]
    if not candidate.pipeline:
        return output
    folder = name_trial_folder(job.name, candidate.pipeline, candidate.algorithm)
    return {**output, "S3OutputPath": f"{find_folder(job)}/tuning/{folder}"}


def describe_channel(job: AutoMLJob) -> dict[str, Any]:
    """Return a job's training data as a channel of a training job."""
    channels = request_as_v1(job)["InputDataConfig"]
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
        "CompressionType": channel.get("CompressionType", "None"),
    }


def _describe_metrics(metrics: Sequence[Metric], at: datetime) -> list[dict[str, Any]]:
    described = (describe_metric(metric) for metric in metrics)
    return [
        {"MetricName": document["StandardMetricName"], "Value": document["Value"], "Timestamp": at}
        for document in described
        if document is not None
    ]


def _write_parameter(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()[:2500]
