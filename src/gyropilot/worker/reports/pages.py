"""Writes what a report looks like to people: a page, a PDF, a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from gyropilot.engine.budget import Deadline
from gyropilot.engine.files import write_file
from gyropilot.worker.reports.document import Report
from gyropilot.worker.reports.render_html import render_html
from gyropilot.worker.reports.render_notebook import render_notebook
from gyropilot.worker.reports.render_pdf import UnavailableError, render_pdf
from gyropilot.worker.reports.requests import ALL_PAGES, PAGE, Request, tell_late

with suppress(OSError):  # `render_pdf` tells why
    import_module("weasyprint")  # takes a while: now, with the first page, rather than when the time is short

LEAST_SECONDS = dict(zip(ALL_PAGES, (0.0, 0.5, 1.2), strict=True))
"""With less time than this a file is not begun."""
RENDER: Mapping[str, Callable[[Report], str | bytes]] = dict(
    zip(ALL_PAGES, (render_html, render_notebook, render_pdf), strict=True)
)


def write_pages(report: Report, request: Request, folder: Path, deadline: Deadline) -> Iterator[str]:
    """Write the files that are wanted and give a note for each that is not there.

    Args:
        report: what they show.
        request: which of them are wanted.
        folder: where they go.
        deadline: when they must be there.
    """
    late = []
    for name in request.pages:
        if name != PAGE and deadline.seconds_left < LEAST_SECONDS[name]:
            late.append(name)
            continue
        try:
            content = RENDER[name](report)
        except UnavailableError as error:
            yield str(error)
            continue
        write_file(folder / name, content.encode() if isinstance(content, str) else content)
    if late:
        yield tell_late(request.kind, late)
