"""A job as it stands: what it does, how many candidates it has, the best so far, the time that is left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.automl.leaderboard import Entry, read_leaderboard

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
    entries: tuple[Entry, ...] = ()
    """Its candidates, best first, those without a score last."""
    best: str = ""
    """Name of the best candidate; empty: none yet."""
    score: str = ""
    """The best candidate's metric and value."""
    failure_reason: str = ""
    """Why it failed."""
    created_at: datetime | None = None
    """When it was created."""
    elapsed_seconds: float = 0.0
    """Time since it was created; until its end, when it has ended."""
    limit_seconds: int = 0
    """How long it may take; 0: as long as it likes."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in OPEN_STATES

    @property
    def stage(self) -> str:
        """What it does, or how it ended, in words: `TrainingModels` is `Training models`."""
        word = self.step if self.status == "InProgress" else self.status
        return re.sub(r"(?<=[a-z])[A-Z]", lambda letter: f" {letter.group().lower()}", word)

    @property
    def completed(self) -> int:
        """How many candidates are trained."""
        return sum(entry.status == "Completed" for entry in self.entries)

    @property
    def training(self) -> int:
        """How many candidates are in training."""
        return sum(entry.status == "InProgress" for entry in self.entries)

    @property
    def seconds_left(self) -> float:
        """What is left of the limit; 0 when there is none or it has passed."""
        return max(0.0, self.limit_seconds - self.elapsed_seconds)

    def __str__(self) -> str:
        words = [self.stage, f"{self.completed} {'model' if self.completed == 1 else 'models'}"]
        if self.training:
            words.append(f"{self.training} in training")
        if self.score:
            words.append(f"best {self.score}")
        return ", ".join(words)

    def seconds_until(self, entry: Entry) -> float | None:
        """Return how long after the job's creation a candidate was finished; None: it is not."""
        ended = entry.candidate.get("EndTime")
        if ended is None or self.created_at is None:
            return None
        return max(0.0, float((ended - self.created_at).total_seconds()))


def look_at(session: Clients, job: str, known: dict[str, str] | None = None) -> JobProgress:
    """Return a job as it stands now; a job of either generation.

    Args:
        session: where it is.
        job: its name.
        known: algorithms by candidate: see `read_leaderboard`.
    """
    document: Any = session.sagemaker_client.describe_auto_ml_job_v2(AutoMLJobName=job)
    best = document.get("BestCandidate", {})
    return JobProgress(
        name=job,
        status=document["AutoMLJobStatus"],
        step=document["AutoMLJobSecondaryStatus"],
        entries=tuple(read_leaderboard(session, job, known)),
        best=best.get("CandidateName", ""),
        score=format_score(best),
        failure_reason=document.get("FailureReason", ""),
        created_at=document["CreationTime"],
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
