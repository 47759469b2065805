"""What is said between a worker and the process that makes reports on its candidates: a line of JSON each way."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

EXPLAINABILITY, INSIGHTS = "explainability", "insights"
"""The kinds of reports."""
MAIN_FILES = {EXPLAINABILITY: "analysis.json", INSIGHTS: "statistics.json"}
"""The document of each kind: without it there is no report."""
PAGE = "report.html"
ALL_PAGES = (PAGE, "report.ipynb", "report.pdf")
"""What a report looks like to people, in the order in which its files are written."""


def tell_late(kind: str, names: Iterable[str]) -> str:
    """Return what a job tells of pages that are not there in time."""
    return f"The {kind} report has no {' and no '.join(names)}: the job's time was over."


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made."""

    kind: str
    """`explainability` or `insights`."""
    id: str
    """The candidate's name within its run."""
    name: str
    """Its name in the job."""
    job: str
    """The job's name."""
    folder: str
    """Where the files are to be."""
    until: float | None = None
    """When they must be there, in seconds of `time.monotonic`; None: whenever."""
    pages: tuple[str, ...] = ()
    """Which of `ALL_PAGES` are wanted besides the documents."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    error: str = ""
    """Why there is no report, in a sentence; empty: there is one."""
    trace: str = ""
    """Where the error was raised."""
    notes: tuple[str, ...] = ()
    """Files that are absent, and why."""
