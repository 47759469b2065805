"""Follows a job: a live line with a terminal, plain lines without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from gyropilot.cli.terminal import format_seconds

if TYPE_CHECKING:
    from gyropilot.sdk import Session

POLL_SECONDS = 0.5
BAR_COLUMNS = 40
OPEN_STATES = {"InProgress", "Stopping"}


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as it stands at one moment."""

    name: str
    """The job's name."""
    status: str
    """Its status."""
    step: str
    """What it does, or how it ended."""
    candidates: int
    """Trained models."""
    training: int
    """Models in training."""
    best: str
    """Name of the best candidate; empty: none yet."""
    score: str
    """The best candidate's metric and value."""
    failure_reason: str
    """Why it failed."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in OPEN_STATES


def watch_job(session: Session, job: str, max_runtime_seconds: int, console: Console) -> JobView:
    """Show a job's progress until it is over and return how it ended."""
    if console.is_terminal:
        return _watch_live(session, job, max_runtime_seconds, console)
    return _watch_plainly(session, job, console)


def _watch_live(session: Session, job: str, max_runtime_seconds: int, console: Console) -> JobView:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=8) as live:
        for view in _look_again_and_again(session, job):
            elapsed = time.monotonic() - began
            bar = ProgressBar(total=max_runtime_seconds, completed=min(elapsed, max_runtime_seconds), width=BAR_COLUMNS)
            clock = f"{format_seconds(elapsed)} of {format_seconds(max_runtime_seconds)}"
            live.update(Group(Text(f"{_describe(view)}   {clock}"), bar))
    return view


def _watch_plainly(session: Session, job: str, console: Console) -> JobView:
    began = time.monotonic()
    told = ""
    for view in _look_again_and_again(session, job):
        line = _describe(view)
        if line != told:
            console.print(f"{format_seconds(time.monotonic() - began)}  {line}", markup=False, soft_wrap=True)
            told = line
    return view


def _look_again_and_again(session: Session, job: str) -> Iterator[JobView]:
    while True:
        view = look_at(session, job)
        yield view
        if view.is_over:
            return
        time.sleep(POLL_SECONDS)


def look_at(session: Session, job: str) -> JobView:
    """Return a job as it stands now."""
    sagemaker = session.client("sagemaker")
    document = sagemaker.describe_auto_ml_job(AutoMLJobName=job)
    pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
    states = [candidate["CandidateStatus"] for page in pages for candidate in page["Candidates"]]
    best = document.get("BestCandidate")
    metric = best.get("FinalAutoMLJobObjectiveMetric") if best else None
    return JobView(
        name=job,
        status=document["AutoMLJobStatus"],
        step=document["AutoMLJobSecondaryStatus"],
        candidates=states.count("Completed"),
        training=states.count("InProgress"),
        best=best["CandidateName"] if best else "",
        score=f"{metric['MetricName']} {metric['Value']:.5g}" if metric else "",
        failure_reason=document.get("FailureReason", ""),
    )


def _describe(view: JobView) -> str:
    state = view.status if view.status == view.step else f"{view.status}: {view.step}"
    words = [state, f"{view.candidates} {'model' if view.candidates == 1 else 'models'}"]
    if view.training:
        words.append(f"{view.training} in training")
    if view.score:
        words.append(f"best {view.score}")
    return ", ".join(words)
