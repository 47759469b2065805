"""AutoML jobs as AWS's documents."""

from __future__ import annotations

from typing import Any

from gyropilot.api.documents.candidates import describe_candidate
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
"""Members of the request that describe gives back exactly as they were sent, and only if they were."""

MAX_FINDINGS = 5


def describe_job(job: AutoMLJob, best: Candidate | None, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeAutoMLJob`."""
    document: dict[str, Any] = {name: job.request[name] for name in ECHOED if name in job.request}
    document |= {
        "AutoMLJobName": job.name,
        "AutoMLJobArn": identity.job_arn(job.name),
        "InputDataConfig": [
            {
                **channel,
                "ContentType": channel.get("ContentType", CSV),
                "ChannelType": channel.get("ChannelType", "training"),
            }
            for channel in job.request["InputDataConfig"]
        ],
        **_describe_progress(job),
    }
    if best is not None:
        document["BestCandidate"] = describe_candidate(best, identity)
    if resolved := _describe_resolved(job):
        document["ResolvedAttributes"] = resolved
    return document


def summarize_job(job: AutoMLJob, identity: Identity) -> dict[str, Any]:
    """Return an `AutoMLJobSummary`."""
    return {"AutoMLJobName": job.name, "AutoMLJobArn": identity.job_arn(job.name), **_describe_progress(job)}


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


def _describe_resolved(job: AutoMLJob) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if job.resolved_problem_type in BY_NAME:
        document["ProblemType"] = BY_NAME[job.resolved_problem_type].aws
    if job.resolved_objective in AWS_NAMES:
        document["AutoMLJobObjective"] = {"MetricName": AWS_NAMES[job.resolved_objective]}
    if document and (criteria := job.request.get("AutoMLJobConfig", {}).get("CompletionCriteria")):
        document["CompletionCriteria"] = criteria
    return document
