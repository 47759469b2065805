"""Candidates as AWS's documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gyropilot.api.documents.metrics import describe_latency, describe_metric, describe_objective
from gyropilot.service.identity import Identity
from gyropilot.service.records import Candidate, Container
from gyropilot.service.states import CandidateStatus
from gyropilot.service.tuning_names import name_steps

STEP_TYPES: Mapping[str, str] = {
    "processing-job": "AWS::SageMaker::ProcessingJob",
    "training-job": "AWS::SageMaker::TrainingJob",
    "transform-job": "AWS::SageMaker::TransformJob",
}
"""AWS's word for a step that ARNs call by this word."""

OBJECTIVE_STATUSES: Mapping[CandidateStatus, str] = {
    CandidateStatus.IN_PROGRESS: "Pending",
    CandidateStatus.STOPPING: "Pending",
    CandidateStatus.COMPLETED: "Succeeded",
    CandidateStatus.FAILED: "Failed",
    CandidateStatus.STOPPED: "Failed",
}
"""Whether a candidate's objective is known, by the candidate's status."""


def describe_candidate(candidate: Candidate, identity: Identity) -> dict[str, Any]:
    """Return an `AutoMLCandidate`."""
    document: dict[str, Any] = {
        "CandidateName": candidate.name,
        "ObjectiveStatus": OBJECTIVE_STATUSES[candidate.status],
        "CandidateSteps": [
            {
                "CandidateStepType": STEP_TYPES[resource],
                "CandidateStepArn": identity.arn(resource, name),
                "CandidateStepName": name,
            }
            for name, resource in _find_steps(candidate).items()
        ],
        "CandidateStatus": candidate.status.value,
        "CreationTime": candidate.created_at,
        "LastModifiedTime": candidate.modified_at,
    }
    if candidate.objective is not None and (objective := describe_objective(candidate.objective)):
        document["FinalAutoMLJobObjectiveMetric"] = objective
    if candidate.containers:
        document["InferenceContainers"] = describe_containers(candidate.containers)
    if candidate.ended_at is not None:
        document["EndTime"] = candidate.ended_at
    if candidate.failure_reason:
        document["FailureReason"] = candidate.failure_reason[:1024]
    if properties := _describe_properties(candidate):
        document["CandidateProperties"] = properties
    return document


def _find_steps(candidate: Candidate) -> Mapping[str, str]:
    """Return the names of what a candidate was made by, in order: its training job comes last."""
    before = name_steps(candidate.parent, candidate.pipeline) if candidate.pipeline else {}
    return {**before, candidate.name: "training-job"}


def describe_containers(containers: Iterable[Container]) -> list[dict[str, Any]]:
    """Return the containers; the environment is always there, because clients index it."""
    return [
        {
            "Image": container.image,
            "ModelDataUrl": container.model_data_url,
            "Environment": dict(container.environment),
        }
        for container in containers
    ]


def _describe_properties(candidate: Candidate) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if metrics := list(_describe_metrics(candidate)):
        properties["CandidateMetrics"] = metrics
    if candidate.explainability_url:  # without which AWS's document has no locations at all
        properties["CandidateArtifactLocations"] = {
            "Explainability": candidate.explainability_url,
            **({"ModelInsights": candidate.insights_url} if candidate.insights_url else {}),
        }
    return properties


def _describe_metrics(candidate: Candidate) -> Iterable[dict[str, Any]]:
    for metric in candidate.metrics:
        if document := describe_metric(metric):
            yield document
    if candidate.latency_seconds is not None:
        yield describe_latency(candidate.latency_seconds)
