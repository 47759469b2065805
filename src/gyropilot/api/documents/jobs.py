"""AutoML jobs as AWS's documents, in the form of either generation."""

from __future__ import annotations

from typing import Any

from gyropilot.api.documents.candidates import describe_candidate
from gyropilot.api.documents.generations import request_as_v1, request_as_v2
from gyropilot.api.documents.job_requests import CSV
from gyropilot.api.documents.metrics import AWS_NAMES
from gyropilot.api.documents.problem_types import BY_NAME
from gyropilot.service.identity import Identity
from gyropilot.service.records import AutoMLJob, Candidate

ECHOED = (
    "OutputDataConfig",
    "RoleArn",
    "ProblemType",
    "AutoMLJobObjective",
    "AutoMLJobConfig",
    "GenerateCandidateDefinitionsOnly",
    "ModelDeployConfig",
)
"""Members of a request of V1 that describe gives back exactly as they were sent, and only if they were."""

ECHOED_V2 = (
    "OutputDataConfig",
    "RoleArn",
    "AutoMLProblemTypeConfig",
    "AutoMLJobObjective",
    "DataSplitConfig",
    "SecurityConfig",
    "AutoMLComputeConfig",
    "ModelDeployConfig",
)
"""The same for V2."""

MAX_FINDINGS = 5


def describe_job(job: AutoMLJob, best: Candidate | None, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeAutoMLJob`; a job of V2 is shown in the form of V1."""
    request = request_as_v1(job)
    document = {
        **_pick(request, ECHOED),
        "InputDataConfig": _describe_channels(request["InputDataConfig"]),
        **_describe_whole(job, best, identity),
    }
    resolved = _describe_objective(job)
    if job.resolved_problem_type in BY_NAME:
        resolved["ProblemType"] = BY_NAME[job.resolved_problem_type].aws
    return document | _describe_resolved(resolved, job)


def describe_job_v2(job: AutoMLJob, best: Candidate | None, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeAutoMLJobV2`; a job of V1 is shown in the form of V2."""
    request = request_as_v2(job)
    document = {
        **_pick(request, ECHOED_V2),
        "AutoMLJobInputDataConfig": _describe_channels(request["AutoMLJobInputDataConfig"]),
        "AutoMLProblemTypeConfigName": "Tabular",
        **_describe_whole(job, best, identity),
    }
    resolved = _describe_objective(job)
    if job.resolved_problem_type in BY_NAME:
        tabular = {"TabularResolvedAttributes": {"ProblemType": BY_NAME[job.resolved_problem_type].aws}}
        resolved["AutoMLProblemTypeResolvedAttributes"] = tabular
    return document | _describe_resolved(resolved, job)


def summarize_job(job: AutoMLJob, identity: Identity) -> dict[str, Any]:
    """Return an `AutoMLJobSummary`."""
    return {"AutoMLJobName": job.name, "AutoMLJobArn": identity.job_arn(job.name), **_describe_progress(job)}


def _describe_whole(job: AutoMLJob, best: Candidate | None, identity: Identity) -> dict[str, Any]:
    """Return what describing shows alike in both generations."""
    document = summarize_job(job, identity)
    if best is not None:
        document["BestCandidate"] = describe_candidate(best, identity)
    artifacts = {
        "CandidateDefinitionNotebookLocation": job.candidate_definitions_url,
        "DataExplorationNotebookLocation": job.data_exploration_url,
    }
    if written := {name: url for name, url in artifacts.items() if url}:
        document["AutoMLJobArtifacts"] = written
    return document


def _describe_channels(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the channels with the defaults that AWS fills in."""
    return [
        {
            **channel,
            "ContentType": channel.get("ContentType", CSV),
            "ChannelType": channel.get("ChannelType", "training"),
        }
        for channel in channels
    ]


def _describe_progress(job: AutoMLJob) -> dict[str, Any]:
    document: dict[str, Any] = {
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        "AutoMLJobStatus": job.status.value,
        "AutoMLJobSecondaryStatus": job.step.value,
    }
    if job.ended_at is not None:
        document["EndTime"] = job.ended_at
    if job.failure_reason:
        document["FailureReason"] = job.failure_reason[:1024]
    if job.findings:
        document["PartialFailureReasons"] = [
            {"PartialFailureMessage": finding[:1024]} for finding in job.findings[:MAX_FINDINGS]
        ]
    return document


def _describe_objective(job: AutoMLJob) -> dict[str, Any]:
    if job.resolved_objective not in AWS_NAMES:
        return {}
    return {"AutoMLJobObjective": {"MetricName": AWS_NAMES[job.resolved_objective]}}


def _describe_resolved(resolved: dict[str, Any], job: AutoMLJob) -> dict[str, Any]:
    """Return the member `ResolvedAttributes`, or nothing while nothing is resolved."""
    if not resolved:
        return {}
    criteria = dict(request_as_v1(job).get("AutoMLJobConfig", {}).get("CompletionCriteria", {}))
    if job.resolved_max_candidates is not None:
        criteria["MaxCandidates"] = job.resolved_max_candidates
    return {"ResolvedAttributes": resolved | ({"CompletionCriteria": criteria} if criteria else {})}


def _pick(request: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}
