"""The candidates of a job, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import AutoMLCandidateTypeDef

    from gyropilot.sdk import Session

STYLES = {"Completed": "", "InProgress": "yellow", "Failed": "red"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the leaderboard."""

    candidate: AutoMLCandidateTypeDef
    """What the API says about the candidate."""
    algorithm: str
    """What was trained."""

    @property
    def score(self) -> float | None:
        """The objective's value; None when there is none."""
        return self.candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Value")


def read_leaderboard(session: Session, job: str) -> list[Entry]:
    """Return the job's candidates, best first and those without a score last."""
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
    entries = [
        Entry(candidate=candidate, algorithm=_find_algorithm(sagemaker, candidate["CandidateName"]))
        for page in pages
        for candidate in page["Candidates"]
    ]
    return sorted(entries, key=_rank)


def _rank(entry: Entry) -> tuple[bool, float]:
    if entry.score is None:
        return True, 0.0
    direction = entry.candidate["FinalAutoMLJobObjectiveMetric"].get("Type", "Maximize")
    return False, entry.score if direction == "Minimize" else -entry.score


def _find_algorithm(sagemaker: SageMakerClient, candidate: str) -> str:
    parameters = sagemaker.describe_training_job(TrainingJobName=candidate).get("HyperParameters", {})
    return parameters.get("algorithm", "")


def make_table(entries: Sequence[Entry], best: str) -> Table:
    """Return the leaderboard as a table; the best candidate is marked."""
    metric = next((_metric_of(entry) for entry in entries if entry.score is not None), "score")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("candidate", no_wrap=True)
    table.add_column("algorithm")
    table.add_column(metric, justify="right")
    table.add_column("latency", justify="right")
    table.add_column("status")
    for place, entry in enumerate(entries, 1):
        name = entry.candidate["CandidateName"]
        style = "bold green" if name == best else STYLES.get(entry.candidate["CandidateStatus"], "dim")
        cells = (entry.algorithm, _format_score(entry), _format_latency(entry), _state_of(entry))
        table.add_row(str(place), name, *cells, style=style)
    return table


def _metric_of(entry: Entry) -> str:
    return entry.candidate["FinalAutoMLJobObjectiveMetric"]["MetricName"]


def _format_score(entry: Entry) -> str:
    return "" if entry.score is None else f"{entry.score:.5g}"


def _format_latency(entry: Entry) -> str:
    for metric in entry.candidate.get("CandidateProperties", {}).get("CandidateMetrics", []):
        if metric.get("StandardMetricName") == "InferenceLatency":
            return f"{metric['Value'] * 1000:.2f} ms"
    return ""


def _state_of(entry: Entry) -> str:
    reason = entry.candidate.get("FailureReason", "")
    return f"{entry.candidate['CandidateStatus']}: {reason}" if reason else entry.candidate["CandidateStatus"]
