"""Follows a job: a live view in a terminal, a cell that renews itself in a notebook, plain lines anywhere else."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from gyropilot.sdk.drawing import describe_candidate, draw_progress, find_ended
from gyropilot.sdk.job_log import AUTOML_GROUP, JobLog
from gyropilot.sdk.progress import JobProgress, format_seconds, look_at

if TYPE_CHECKING:
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme

    from gyropilot.sdk.clients import Clients

NOTEBOOK_COLUMNS = 100
YOUNG_SECONDS = 30.0
"""So long the first model is waited for with more attention."""
SHOWN_LINES = 12
"""How many lines of the log a notebook's cell keeps in view."""


class View(Protocol):
    """Where progress is shown."""

    def show(self, progress: JobProgress, lines: list[str]) -> None:
        """Show how a job stands, and the lines that its log got since the last time."""

    def close(self) -> None:
        """End the view; what it shows last stays."""


def watch_job(
    session: Clients,
    job: str,
    *,
    console: Console | None = None,
    shows_log: bool = False,
    keeps_candidates: bool = True,
) -> JobProgress:
    """Show a job's progress until it is over and return how it ended.

    Args:
        session: where the job is.
        job: its name.
        console: where to write; standard output unless given.
        shows_log: whether the lines of the job's log are shown as they come.
        keeps_candidates: whether a terminal still shows the candidates when the job is over.
    """
    log = JobLog(session.client("logs"), AUTOML_GROUP, job) if shows_log else None
    view = open_view(console, keeps_candidates=keeps_candidates)
    try:
        for progress in _look_again_and_again(session, job):
            view.show(progress, log.read_new() if log else [])
    finally:
        view.close()
    return progress


def _look_again_and_again(session: Clients, job: str) -> Iterator[JobProgress]:
    known: dict[str, str] = {}
    while True:
        progress = look_at(session, job, known)
        yield progress
        if progress.is_over:
            return
        is_young = not progress.completed and progress.elapsed_seconds < YOUNG_SECONDS
        time.sleep(session.eager_poll_seconds if is_young else session.poll_seconds)


def open_view(console: Console | None = None, *, keeps_candidates: bool = True) -> View:
    """Return the view that fits to where this program runs."""
    from rich.console import Console

    display = _find_notebook() if console is None else None
    if display is not None:
        return NotebookView(display)
    console = console or Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalView(console, keeps_candidates=keeps_candidates)
    return PlainView(console)


class PlainView:
    """Writes a line for each stage and each finished candidate: for pipes, files and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._told: set[str] = set()

    def show(self, progress: JobProgress, lines: list[str]) -> None:
        """Write the log's lines, the candidates that are new, and how the job stands when that is something else."""
        for line in lines:
            self._write(line)
        for seconds, entry in find_ended(progress):
            if entry.name not in self._told:
                self._told.add(entry.name)
                self._write(f"{format_seconds(seconds)}  {describe_candidate(entry, progress)}")
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._write(f"{format_seconds(progress.elapsed_seconds)}  {progress}")

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)
        self._console.file.flush()

    def close(self) -> None:
        """Nothing is left to do."""


class TerminalView:
    """Keeps the best candidates, a line and a bar at the bottom of a terminal, above them the lines of the log."""

    def __init__(self, console: Console, *, keeps_candidates: bool = True) -> None:
        from rich.live import Live

        self._keeps_candidates = keeps_candidates
        self._live = Live(console=console, refresh_per_second=8)
        self._live.start()

    def show(self, progress: JobProgress, lines: list[str]) -> None:
        """Renew what is kept."""
        from rich.text import Text

        for line in lines:
            self._live.console.print(Text(line, "dim"))
        height = self._live.console.height
        shows_candidates = self._keeps_candidates or not progress.is_over
        self._live.update(draw_progress(progress, height, shows_candidates=shows_candidates))

    def close(self) -> None:
        """Leave the last state where it is."""
        self._live.stop()


class NotebookView:
    """Renews the output of a notebook's cell.

    Args:
        display: shows a piece of HTML in the place of the one before.
    """

    def __init__(self, display: Callable[[str], None]) -> None:
        self._display = display
        self._lines: list[str] = []

    def show(self, progress: JobProgress, lines: list[str]) -> None:
        """Draw the state and the last lines of the log."""
        from rich.console import Console, Group
        from rich.text import Text

        self._lines = [*self._lines, *lines][-SHOWN_LINES:]
        console = Console(
            record=True, file=io.StringIO(), width=NOTEBOOK_COLUMNS, color_system="truecolor", force_jupyter=False
        )
        console.print(Group(*(Text(line, "dim") for line in self._lines), draw_progress(progress)))
        code_format = '<pre style="line-height:1.3;font-family:monospace">{code}</pre>'
        self._display(console.export_html(theme=_choose_colours(), inline_styles=True, code_format=code_format))

    def close(self) -> None:
        """Nothing is left to do: the cell keeps what it shows."""


@cache
def _choose_colours() -> TerminalTheme:
    """Return colours that can be read on white and on black: a notebook does not tell which it is."""
    from rich.terminal_theme import TerminalTheme

    black, red, green, yellow = (0, 0, 0), (205, 60, 60), (30, 145, 75), (150, 120, 0)
    blue, magenta, cyan, grey = (50, 120, 205), (185, 70, 185), (0, 145, 165), (128, 128, 128)
    return TerminalTheme((255, 255, 255), (0, 0, 0), [black, red, green, yellow, blue, magenta, cyan, grey])


def _find_notebook() -> Callable[[str], None] | None:
    """Return what renews the output of the cell that runs; None outside of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if type(shell).__name__ != "ZMQInteractiveShell":
        return None
    html = ipython.display.HTML
    handle = ipython.display.display(html(""), display_id=True)
    return lambda code: handle.update(html(code))
