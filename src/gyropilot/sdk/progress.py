"""A job as it stands: what it does, how many candidates it has, the best so far, the time that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk.clients import Clients

OPEN_STATES = {"InProgress", "Stopping"}


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """A job as it stands at one moment."""

    name: str
    """The job's name."""
    status: str
    """Its status."""
    step: str
    """What it does, or how it ended."""
    completed: int = 0
    """Trained candidates."""
    training: int = 0
    """Candidates in training."""
    best: str = ""
    """Name of the best candidate; empty: none yet."""
    score: str = ""
    """The best candidate's metric and value."""
    failure_reason: str = ""
    """Why it failed."""
    elapsed_seconds: float = 0.0
    """Time since it was created; until its end, when it has ended."""
    limit_seconds: int = 0
    """How long it may take; 0: as long as it likes."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in OPEN_STATES

    @property
    def seconds_left(self) -> float:
        """What is left of the limit; 0 when there is none or it has passed."""
        return max(0.0, self.limit_seconds - self.elapsed_seconds)

    def __str__(self) -> str:
        words = [self.status if self.status == self.step else f"{self.status}: {self.step}"]
        words.append(f"{self.completed} {'model' if self.completed == 1 else 'models'}")
        if self.training:
            words.append(f"{self.training} in training")
        if self.score:
            words.append(f"best {self.score}")
        return ", ".join(words)


def look_at(session: Clients, job: str) -> JobProgress:
    """Return a job as it stands now; a job of either generation."""
    document: Any = session.sagemaker_client.describe_auto_ml_job_v2(AutoMLJobName=job)
    pages = session.sagemaker_client.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
    states = [candidate["CandidateStatus"] for page in pages for candidate in page["Candidates"]]
    best = document.get("BestCandidate", {})
    return JobProgress(
        name=job,
        status=document["AutoMLJobStatus"],
        step=document["AutoMLJobSecondaryStatus"],
        completed=states.count("Completed"),
        training=states.count("InProgress"),
        best=best.get("CandidateName", ""),
        score=format_score(best),
        failure_reason=document.get("FailureReason", ""),
        elapsed_seconds=_elapsed(document),
        limit_seconds=_find_limit(document),
    )


def format_score(candidate: Mapping[str, Any]) -> str:
    """Return a candidate's metric and value, as in `F1 0.71234`; empty when it has none."""
    metric = candidate.get("FinalAutoMLJobObjectiveMetric")
    if not metric:
        return ""
    return f"{metric.get('StandardMetricName') or metric['MetricName']} {metric['Value']:.5g}"


def format_seconds(seconds: float) -> str:
    """Return a duration as a clock shows it: `0:07`, `12:30`, `1:02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _elapsed(document: Mapping[str, Any]) -> float:
    """Return the seconds since a job was created, by this machine's clock."""
    end = document.get("EndTime") or datetime.now(UTC)
    return max(0.0, float((end - document["CreationTime"]).total_seconds()))


def _find_limit(document: Mapping[str, Any]) -> int:
    for problem in document.get("AutoMLProblemTypeConfig", {}).values():
        limit = problem.get("CompletionCriteria", {}).get("MaxAutoMLJobRuntimeInSeconds")
        if limit:
            return int(limit)
    return 0
