"""The states of every resource and the moves between them that are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED}


class JobStep(StrEnum):
    """What a job is doing, or how it ended (AWS: secondary status)."""

    STARTING = "Starting"
    ANALYZING_DATA = "AnalyzingData"
    FEATURE_ENGINEERING = "FeatureEngineering"
    MODEL_TUNING = "ModelTuning"
    PRE_TRAINING = "PreTraining"
    TRAINING_MODELS = "TrainingModels"
    TRANSFORMING = "Transforming"
    GENERATING_EXPLAINABILITY_REPORT = "GeneratingExplainabilityReport"
    GENERATING_INSIGHTS_REPORT = "GeneratingModelInsightsReport"
    CANDIDATE_DEFINITIONS_GENERATED = "CandidateDefinitionsGenerated"
    DEPLOYING_MODEL = "DeployingModel"
    MODEL_DEPLOYMENT_ERROR = "ModelDeploymentError"
    MAX_CANDIDATES_REACHED = "MaxCandidatesReached"
    MAX_RUNTIME_REACHED = "MaxAutoMLJobRuntimeReached"
    EXPLAINABILITY_ERROR = "ExplainabilityError"
    INSIGHTS_ERROR = "ModelInsightsError"
    COMPLETED = "Completed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"


class CandidateStatus(StrEnum):
    """Where one candidate stands."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self in {CandidateStatus.COMPLETED, CandidateStatus.FAILED, CandidateStatus.STOPPED}


class EndpointStatus(StrEnum):
    """Where an endpoint stands."""

    CREATING = "Creating"
    IN_SERVICE = "InService"
    UPDATING = "Updating"
    FAILED = "Failed"
    DELETING = "Deleting"

    @property
    def serves(self) -> bool:
        """Whether the endpoint answers."""
        return self in {EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING}


JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.IN_PROGRESS: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPING}),
    JobStatus.STOPPING: frozenset({JobStatus.STOPPED, JobStatus.FAILED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.STOPPED: frozenset(),
}

CANDIDATE_MOVES: Mapping[CandidateStatus, frozenset[CandidateStatus]] = {
    CandidateStatus.IN_PROGRESS: frozenset(
        {CandidateStatus.COMPLETED, CandidateStatus.FAILED, CandidateStatus.STOPPING, CandidateStatus.STOPPED}
    ),
    CandidateStatus.STOPPING: frozenset({CandidateStatus.STOPPED, CandidateStatus.FAILED}),
    CandidateStatus.COMPLETED: frozenset(),
    CandidateStatus.FAILED: frozenset(),
    CandidateStatus.STOPPED: frozenset(),
}

ENDPOINT_MOVES: Mapping[EndpointStatus, frozenset[EndpointStatus]] = {
    EndpointStatus.CREATING: frozenset({EndpointStatus.IN_SERVICE, EndpointStatus.FAILED, EndpointStatus.DELETING}),
    EndpointStatus.IN_SERVICE: frozenset({EndpointStatus.UPDATING, EndpointStatus.FAILED, EndpointStatus.DELETING}),
    EndpointStatus.UPDATING: frozenset({EndpointStatus.IN_SERVICE, EndpointStatus.FAILED, EndpointStatus.DELETING}),
    EndpointStatus.FAILED: frozenset({EndpointStatus.DELETING}),
    EndpointStatus.DELETING: frozenset(),
}
