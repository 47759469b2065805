"""The candidates of a job, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk.clients import Clients

LATENCY = "InferenceLatency"
TRAINING_STEP = "AWS::SageMaker::TrainingJob"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the leaderboard."""

    candidate: dict[str, Any]
    """What the API says about the candidate."""
    algorithm: str
    """What was trained; empty when its training job does not say."""

    @property
    def name(self) -> str:
        """The candidate's name."""
        return str(self.candidate["CandidateName"])

    @property
    def status(self) -> str:
        """The candidate's status."""
        return str(self.candidate["CandidateStatus"])

    @property
    def score(self) -> float | None:
        """The objective's value; None when there is none."""
        metric = self.candidate.get("FinalAutoMLJobObjectiveMetric")
        return float(metric["Value"]) if metric else None

    @property
    def metrics(self) -> dict[str, float]:
        """Every figure by its name, the latency among them."""
        listed = self.candidate.get("CandidateProperties", {}).get("CandidateMetrics", [])
        return {metric.get("StandardMetricName") or metric["MetricName"]: metric["Value"] for metric in listed}


def read_leaderboard(session: Clients, job: str, known: dict[str, str] | None = None) -> list[Entry]:
    """Return the job's candidates, best first and those without a score last.

    Args:
        session: where the job is.
        job: its name.
        known: algorithms by candidate, so that whoever looks again asks for those of new candidates only; is added to.
    """
    sagemaker: Any = session.sagemaker_client
    algorithms = {} if known is None else known
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
    found = [candidate for page in pages for candidate in page["Candidates"]]
    for candidate in found:
        name = candidate["CandidateName"]
        if name not in algorithms:
            algorithms[name] = _find_algorithm(sagemaker, candidate)
    return sorted((Entry(candidate=each, algorithm=algorithms[each["CandidateName"]]) for each in found), key=_rank)


def describe_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as a row of a table: what it is, its score, and every other figure under its own name."""
    candidate = entry.candidate
    figures = entry.metrics
    latency = figures.pop(LATENCY, None)
    return {
        "candidate": candidate["CandidateName"],
        "algorithm": entry.algorithm,
        "status": candidate["CandidateStatus"],
        "objective": name_objective(candidate),
        "score": entry.score,
        "latency_seconds": latency,
        **figures,
        "created": candidate["CreationTime"],
        "ended": candidate.get("EndTime"),
        "failure_reason": candidate.get("FailureReason"),
    }


def name_objective(candidate: dict[str, Any]) -> str | None:
    """Return the metric that ranks the candidate; None when it has no score."""
    metric = candidate.get("FinalAutoMLJobObjectiveMetric")
    return (metric.get("StandardMetricName") or metric["MetricName"]) if metric else None


def _rank(entry: Entry) -> tuple[bool, float]:
    if entry.score is None:
        return True, 0.0
    direction = entry.candidate["FinalAutoMLJobObjectiveMetric"].get("Type", "Maximize")
    return False, entry.score if direction == "Minimize" else -entry.score


def _find_algorithm(sagemaker: Any, candidate: dict[str, Any]) -> str:
    """Return the algorithm that the candidate's training job names; empty when it names none, as on AWS."""
    for step in candidate["CandidateSteps"]:
        if step["CandidateStepType"] == TRAINING_STEP:
            job = sagemaker.describe_training_job(TrainingJobName=step["CandidateStepName"])
            if "algorithm" in job.get("HyperParameters", {}):
                return str(job["HyperParameters"]["algorithm"])
    return ""
