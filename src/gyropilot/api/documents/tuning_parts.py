"""The parts of tuning as AWS's documents: processing, training, transform and tuning jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gyropilot.api.documents.metrics import describe_objective
from gyropilot.api.documents.training_jobs import (
    DEFAULT_RUNTIME_SECONDS,
    TRAINING_RESOURCES,
    describe_channel,
    describe_parameters,
    find_folder,
)
from gyropilot.api.documents.transform_jobs import WHOLE
from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob, Candidate, Metric
from gyropilot.service.states import CandidateStatus
from gyropilot.service.tuning_names import name_trial_folder
from gyropilot.service.tuning_records import (
    PipelineFit,
    PipelineTransform,
    ProcessingPart,
    TunedParameter,
    TunedPipeline,
    TuningJob,
    TuningPart,
)

Document = dict[str, Any]

COUNTERS = {
    CandidateStatus.COMPLETED: "Completed",
    CandidateStatus.IN_PROGRESS: "InProgress",
    CandidateStatus.STOPPING: "InProgress",
    CandidateStatus.FAILED: "NonRetryableError",
    CandidateStatus.STOPPED: "Stopped",
}
"""Where a tuning job counts its training jobs, by their status."""

OBJECTIVE_COUNTERS = {
    CandidateStatus.COMPLETED: "Succeeded",
    CandidateStatus.IN_PROGRESS: "Pending",
    CandidateStatus.STOPPING: "Pending",
    CandidateStatus.FAILED: "Failed",
    CandidateStatus.STOPPED: "Failed",
}
"""The same of their objectives."""


@dataclass(frozen=True)
class _Words:
    """What AWS calls things of one kind of part."""

    prefix: str
    """What members begin with: `ProcessingJob`, and `ProcessingJobName` and so on."""
    end: str
    """The member for the end."""


_PROCESSING = _Words("ProcessingJob", "ProcessingEndTime")
_TRAINING = _Words("TrainingJob", "TrainingEndTime")
_TRANSFORM = _Words("TransformJob", "TransformEndTime")
_TUNING = _Words("HyperParameterTuningJob", "HyperParameterTuningEndTime")


def describe_processing(part: ProcessingPart, job: AutoMLJob, identity: Identity) -> Document:
    """Return the answer of `DescribeProcessingJob`."""
    source = describe_channel(job)["DataSource"]["S3DataSource"]
    return {
        **summarize_processing(part, identity),
        "ProcessingStartTime": part.created_at,
        "ProcessingResources": {"ClusterConfig": TRAINING_RESOURCES},
        "AppSpecification": {"ImageUri": identity.processor_image},
        "RoleArn": job.request["RoleArn"],
        "ProcessingInputs": [
            {
                "InputName": "data",
                "AppManaged": True,
                "S3Input": {"S3Uri": source["S3Uri"], "S3DataType": source["S3DataType"], "S3InputMode": "File"},
            }
        ],
        "AutoMLJobArn": identity.job_arn(job.name),
    }


def summarize_processing(part: ProcessingPart, identity: Identity) -> Document:
    """Return a `ProcessingJobSummary`."""
    return _summarize(part, _PROCESSING, identity.processing_job_arn(part.name))


def describe_fit(part: PipelineFit, job: AutoMLJob, identity: Identity) -> Document:
    """Return the answer of `DescribeTrainingJob` for the fit of a pipeline's recipe."""
    return {
        **summarize_fit(part, identity),
        "AutoMLJobArn": identity.job_arn(job.name),
        "ModelArtifacts": {"S3ModelArtifacts": part.model_data_url},
        "HyperParameters": describe_recipe(part),
        "AlgorithmSpecification": {"TrainingImage": identity.fit_image(part.name), "TrainingInputMode": "File"},
        "RoleArn": job.request["RoleArn"],
        "InputDataConfig": [describe_channel(job)],
        "OutputDataConfig": {"S3OutputPath": f"{find_folder(job)}/data-processor-models"},
        "ResourceConfig": TRAINING_RESOURCES,
        "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECONDS},
        "TrainingStartTime": part.created_at,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
    }


def describe_recipe(part: PipelineFit) -> dict[str, str]:
    """Return what a recipe is, as hyperparameters."""
    return {"pipeline": part.pipeline, "recipe": ",".join(part.recipe), "columns": str(part.columns)}


def summarize_fit(part: PipelineFit, identity: Identity) -> Document:
    """Return a `TrainingJobSummary`."""
    return {
        **_summarize(part, _TRAINING, identity.training_job_arn(part.name)),
        "SecondaryStatus": "Training" if part.status.value == "InProgress" else part.status.value,
    }


def describe_transform(part: PipelineTransform, job: AutoMLJob, identity: Identity) -> Document:
    """Return the answer of `DescribeTransformJob` for a pipeline's recipe, applied to all rows.

    That happens in the memory of the worker: nothing lies where the output is said to go, unless the job is repeated.
    """
    channel = describe_channel(job)
    source = channel["DataSource"]["S3DataSource"]
    return {
        **_describe_progress(part, _TRANSFORM, identity.transform_job_arn(part.name)),
        "TransformStartTime": part.created_at,
        "ModelName": part.model,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": source["S3DataType"], "S3Uri": source["S3Uri"]}},
            "ContentType": channel["ContentType"].partition(";")[0],
            "CompressionType": channel["CompressionType"],
            "SplitType": "Line" if job.problem.data_format == "csv" else "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"{find_folder(job)}/transformed-data/{part.pipeline}/csv/train",
            "Accept": "text/csv",
            "AssembleWith": "Line",
            "KmsKeyId": "",
        },
        "TransformResources": {name: TRAINING_RESOURCES[name] for name in ("InstanceType", "InstanceCount")},
        "DataProcessing": WHOLE,
        "AutoMLJobArn": identity.job_arn(job.name),
    }


def summarize_transform(part: PipelineTransform, identity: Identity) -> Document:
    """Return a `TransformJobSummary`."""
    return _summarize(part, _TRANSFORM, identity.transform_job_arn(part.name))


def describe_tuning(part: TuningJob, job: AutoMLJob, candidates: Sequence[Candidate], identity: Identity) -> Document:
    """Return the answer of `DescribeHyperParameterTuningJob`; its training jobs are the candidates of the job."""
    best = next((each for each in candidates if each.name == job.best_candidate), None)
    document = {
        **_summarize(part, _TUNING, identity.tuning_job_arn(part.name)),
        **_count(candidates),
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "ResourceLimits": _describe_limits(part),
            "TrainingJobEarlyStoppingType": "Auto",
        },
        "TrainingJobDefinitions": [_describe_definition(each, job, identity) for each in part.pipelines],
    }
    if best is not None:
        document["BestTrainingJob"] = summarize_trial(best, part, identity)
    return document


def summarize_tuning(part: TuningJob, candidates: Sequence[Candidate], identity: Identity) -> Document:
    """Return a `HyperParameterTuningJobSummary`."""
    return {
        **_summarize(part, _TUNING, identity.tuning_job_arn(part.name)),
        **_count(candidates),
        "Strategy": "Bayesian",
        "ResourceLimits": _describe_limits(part),
    }


def summarize_trial(candidate: Candidate, part: TuningJob, identity: Identity) -> Document:
    """Return a `HyperParameterTrainingJobSummary`."""
    tuned = next((each for each in part.pipelines if each.name == candidate.pipeline), None)
    names = {parameter.name for parameter in tuned.parameters} if tuned else set()
    values = describe_parameters(candidate)
    document: Document = {
        "TrainingJobDefinitionName": candidate.pipeline or candidate.algorithm,
        "TrainingJobName": candidate.name,
        "TrainingJobArn": identity.training_job_arn(candidate.name),
        "CreationTime": candidate.created_at,
        "TrainingStartTime": candidate.created_at,
        "TrainingJobStatus": candidate.status.value,
        "TunedHyperParameters": {name: value for name, value in values.items() if name in names},
        "ObjectiveStatus": OBJECTIVE_COUNTERS[candidate.status],
    }
    if candidate.ended_at is not None:
        document["TrainingEndTime"] = candidate.ended_at
    if candidate.failure_reason:
        document["FailureReason"] = candidate.failure_reason[:1024]
    if objective := _describe_objective(candidate.objective):
        document["FinalHyperParameterTuningJobObjectiveMetric"] = objective
    return document


def _describe_objective(metric: Metric | None) -> Document | None:
    described = describe_objective(metric) if metric is not None else None
    return {name: described[name] for name in ("Type", "MetricName", "Value")} if described else None


def _count(candidates: Sequence[Candidate]) -> Document:
    statuses = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for candidate in candidates:
        statuses[COUNTERS[candidate.status]] += 1
        objectives[OBJECTIVE_COUNTERS[candidate.status]] += 1
    return {"TrainingJobStatusCounters": statuses, "ObjectiveStatusCounters": objectives}


def _describe_limits(part: TuningJob) -> Document:
    return {"MaxNumberOfTrainingJobs": part.max_candidates, "MaxParallelTrainingJobs": 1}


def _describe_definition(pipeline: TunedPipeline, job: AutoMLJob, identity: Identity) -> Document:
    folder = name_trial_folder(job.name, pipeline.name, pipeline.algorithm)
    limit = job.problem.max_runtime_per_candidate_seconds
    return {
        "DefinitionName": pipeline.name,
        "AlgorithmSpecification": {
            "TrainingImage": identity.algorithm_image(pipeline.algorithm),
            "TrainingInputMode": "File",
        },
        "StaticHyperParameters": {"algorithm": pipeline.algorithm, "recipe": ",".join(pipeline.recipe)},
        "HyperParameterRanges": _describe_ranges(pipeline.parameters),
        "RoleArn": job.request["RoleArn"],
        "InputDataConfig": [describe_channel(job)],
        "OutputDataConfig": {"S3OutputPath": f"{find_folder(job)}/tuning/{folder}"},
        "ResourceConfig": TRAINING_RESOURCES,
        "StoppingCondition": {"MaxRuntimeInSeconds": int(limit or DEFAULT_RUNTIME_SECONDS)},
    }


def _describe_ranges(parameters: Sequence[TunedParameter]) -> Document:
    ranges: dict[str, list[Document]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for each in parameters:
        if each.values:
            ranges["CategoricalParameterRanges"].append({"Name": each.name, "Values": list(each.values)})
            continue
        kind = "IntegerParameterRanges" if each.is_whole else "ContinuousParameterRanges"
        scale = "Logarithmic" if each.is_logarithmic else "Linear"
        bounds = {"MinValue": f"{each.low:g}", "MaxValue": f"{each.high:g}"}
        ranges[kind].append({"Name": each.name, **bounds, "ScalingType": scale})
    return ranges


def _summarize(part: TuningPart, words: _Words, arn: str) -> Document:
    return {**_describe_progress(part, words, arn), "LastModifiedTime": part.modified_at}


def _describe_progress(part: TuningPart, words: _Words, arn: str) -> Document:
    document: Document = {
        f"{words.prefix}Name": part.name,
        f"{words.prefix}Arn": arn,
        f"{words.prefix}Status": part.status.value,
        "CreationTime": part.created_at,
    }
    if part.ended_at is not None:
        document[words.end] = part.ended_at
    return document | ({"FailureReason": part.failure_reason[:1024]} if part.failure_reason else {})
