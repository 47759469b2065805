"""The reports that a job writes of itself: on its data and candidates while it trains, on the best one at the end."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from gyropilot.engine.events import CandidateFinished, Event
from gyropilot.engine.problems.tabular.prepare import SAMPLE
from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob
from gyropilot.worker.claim import Claim
from gyropilot.worker.progress import Progress
from gyropilot.worker.reports.best import report_best
from gyropilot.worker.reports.candidates import CandidateReports
from gyropilot.worker.reports.explore_table import SECONDS
from gyropilot.worker.reports.exploring import Exploring
from gyropilot.worker.reports.shelf import ReportShelf
from gyropilot.worker.workplace import Workplace

log = logging.getLogger(__name__)

LEADERBOARD = "gyropilot.worker.reports.leaderboard"
PATIENCE_SECONDS = 30.0
"""So long, and no longer than its limit, a job waits at its end for reports that are being written."""


class JobReports:
    """Takes the events of a run. A report that fails does not fail the job.

    A context: when it is left, nothing of it goes on.

    Args:
        place: what the worker has at hand.
        job: as it was claimed.
        claim: the worker's hold on it.
        progress: tells what the job is doing, and that a report is not there.
    """

    def __init__(self, *, place: Workplace, job: AutoMLJob, claim: Claim, progress: Progress) -> None:
        self._place = place
        self._job = job
        self._claim = claim
        self._progress = progress
        self._shelf = ReportShelf(blobs=place.blobs, job=job)
        folder: Path = place.folder_of(job)
        self._exploring = Exploring(
            jobs=place.jobs,
            owner=claim.owner,
            shelf=self._shelf,
            sample=folder / "run" / SAMPLE,
            out=folder / "exploration",
            is_wanted=place.writes_reports,
        )
        self._assessing = CandidateReports(
            jobs=place.jobs,
            shelf=self._shelf,
            run_folder=folder / "run",
            scratch=folder / "reports",
            is_wanted=place.writes_reports,
        )

    def __enter__(self) -> JobReports:
        with ExitStack() as stack:
            stack.enter_context(self._exploring)
            stack.enter_context(self._assessing)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, event: Event) -> None:
        """Look at one event of the run."""
        self._exploring.take(event)
        self._assessing.take(event)
        if isinstance(event, CandidateFinished) and self._place.writes_reports and LEADERBOARD not in sys.modules:
            # Matplotlib takes a while to import: not at the end, when time is short.
            threading.Thread(target=import_module, args=(LEADERBOARD,), daemon=True).start()

    def finish(self, until: float | None) -> None:
        """Write what is written at the end, and wait for what is not there yet.

        Args:
            until: when the job must be through, in seconds of `time.monotonic`; None: whenever.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """
        if self._place.writes_reports and not self._job.problem.is_definitions_only:
            self._write_leaderboard()
        if self._assessing.best and not self._claim.stop.is_set():
            report_best(self._assessing, self._progress, until)
        self._exploring.finish(self._count_patience())
        if self._exploring.failure:
            self._progress.note_failed_report(self._exploring.failure)

    def _write_leaderboard(self) -> None:
        jobs, name = self._place.jobs, self._job.name
        try:
            from gyropilot.worker.reports.leaderboard import PAGE, describe_leaderboard
            from gyropilot.worker.reports.render_html import render_html

            candidates = jobs.find_candidates(name, Query())
            report = describe_leaderboard(
                jobs.get(name), candidates, sizes=self._progress.sizes, made_at=self._place.clock()
            )
            url = self._shelf.put(self._shelf.documentation.child(PAGE), render_html(report).encode())
        except Exception as error:
            log.exception("the leaderboard of %s failed", name)
            self._progress.note_failed_report(
                f"The leaderboard page could not be made: {type(error).__name__}: {error}"
            )
            return
        jobs.log(name, [f"The leaderboard is in {url}."])

    def _count_patience(self) -> float:
        if self._claim.stop.is_set() or self._claim.is_ending:
            return 0.0
        limit = self._job.problem.max_runtime_seconds
        if limit is None:
            return float(SECONDS)
        spent = self._place.clock() - (self._job.started_at or self._job.created_at)
        return min(PATIENCE_SECONDS, limit - spent.total_seconds())
