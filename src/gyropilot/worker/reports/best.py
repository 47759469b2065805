"""The last stage of a job: the reports on its best candidate, within the time that is kept for them."""

from __future__ import annotations

import time
from dataclasses import replace

from gyropilot.service.states import JobStep
from gyropilot.worker.progress import Progress
from gyropilot.worker.reports.candidates import TIME_OVER, CandidateReports

KEPT_SHARE, KEPT_LEAST, KEPT_MOST = 0.08, 3.0, 60.0
"""The share of a job's limit that is kept for reports, with the least and the most seconds of it."""
KEPT_LARGEST_SHARE = 0.15
"""And its bound in very short jobs."""
OTHERS_SHARE, EXPLAINING_SHARE = 0.2, 0.6
"""Of the time that is left, insights of other candidates are waited for so long, then the explanation, at most."""

NAMES = {JobStep.EXPLAINABILITY_ERROR: "explainability", JobStep.INSIGHTS_ERROR: "model insights"}


def keep_for_reports(limit: float) -> float:
    """Return how many seconds of a job's limit are kept for reports."""
    return min(max(KEPT_SHARE * limit, KEPT_LEAST), KEPT_MOST, KEPT_LARGEST_SHARE * limit)


def report_best(reports: CandidateReports, progress: Progress, until: float | None) -> None:
    """Have the best candidate explained and assessed, and tell how the job ends.

    A report that fails is told of, and the job is completed nevertheless.

    Args:
        reports: has them made.
        progress: where steps and failures are told.
        until: when the job must be through, in seconds of `time.monotonic`; None: whenever.
    """
    progress.tell_step(JobStep.GENERATING_EXPLAINABILITY_REPORT)
    reports.assess_others(_share(until, OTHERS_SHARE))
    failures = {JobStep.EXPLAINABILITY_ERROR: reports.explain_best(_share(until, EXPLAINING_SHARE))}
    progress.tell_step(JobStep.GENERATING_INSIGHTS_REPORT)
    failures[JobStep.INSIGHTS_ERROR] = reports.assess_best(until)
    for note in reports.notes:
        progress.note_failed_report(note)
    for step, failure in failures.items():
        if failure:
            progress.note_failed_report(f"The {NAMES[step]} report of the best candidate could not be made: {failure}.")
    progress.outcome = replace(progress.outcome, step=_choose_step(progress.outcome.step, failures))


def _share(until: float | None, share: float) -> float | None:
    """Return when a share of the time that is left is over."""
    now = time.monotonic()
    return None if until is None else now + share * (until - now)


def _choose_step(step: JobStep, failures: dict[JobStep, str]) -> JobStep:
    """Return the job's last step: a report that failed, or else what ended it."""
    failed = next((each for each, failure in failures.items() if failure not in ("", TIME_OVER)), None)
    # Like AWS's, a job that goes on to reports after the last of its candidates ends as completed.
    return failed or (step if step is JobStep.MAX_RUNTIME_REACHED else JobStep.COMPLETED)
