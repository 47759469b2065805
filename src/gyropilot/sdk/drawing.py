"""A job's progress in a terminal: its best candidates, what it does, and the time as a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gyropilot.sdk.automl.leaderboard import Entry, name_objective
from gyropilot.sdk.progress import JobProgress, format_score, format_seconds

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

BAR_COLUMNS = 40
MOST_ROWS = 8
"""How many candidates are shown at once."""
OTHER_LINES = 7
"""What else has to find room in the height of a terminal."""


def draw_progress(progress: JobProgress, height: int = 100, *, shows_candidates: bool = True) -> RenderableType:
    """Return how a job stands: candidates, a line of words and, when the job has a limit, a bar.

    Args:
        progress: the job.
        height: how many lines there are; fewer candidates are shown when they are few.
        shows_candidates: whether candidates are shown at all.
    """
    from rich.console import Group
    from rich.text import Text

    words, _, rest = str(progress).partition(", ")
    parts: list[RenderableType] = [Text.assemble((words, "bold"), ", ", rest), _draw_time(progress)]
    rows = max(1, min(MOST_ROWS, height - OTHER_LINES))
    if progress.entries and shows_candidates:
        parts[:0] = [_draw_candidates(progress, rows), ""]
    return Group(*parts)


def find_ended(progress: JobProgress) -> list[tuple[float, Entry]]:
    """Return the candidates that are finished, in the order in which they were, and after how many seconds."""
    timed = ((progress.seconds_until(entry), entry) for entry in progress.entries)
    ended = [(seconds, entry) for seconds, entry in timed if seconds is not None]
    return sorted(ended, key=lambda each: (each[0], each[1].name))


def describe_candidate(entry: Entry, progress: JobProgress) -> str:
    """Return a finished candidate as a line of words."""
    name = f"{entry.name} ({entry.algorithm})" if entry.algorithm else entry.name
    if entry.score is None:
        reason = entry.candidate.get("FailureReason", "")
        return f"{name}: {entry.status}{f': {reason}' if reason else ''}"
    is_best = entry.name == progress.best
    return f"{name}: {format_score(entry.candidate)}{', the best so far' if is_best else ''}"


def _draw_candidates(progress: JobProgress, rows: int) -> Table:
    from rich import box
    from rich.table import Table

    metric = next((name for entry in progress.entries if (name := name_objective(entry.candidate))), "score")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("candidate", no_wrap=True, overflow="ellipsis")
    table.add_column("algorithm", no_wrap=True, overflow="ellipsis")
    table.add_column(metric, justify="right", no_wrap=True)
    table.add_column("after", justify="right", no_wrap=True)
    scored = [entry for entry in progress.entries if entry.score is not None][:rows]
    in_training = [entry for entry in progress.entries if entry.status == "InProgress"]
    for entry in (*scored, *in_training[: max(0, rows - len(scored)) or 1]):
        seconds = progress.seconds_until(entry)
        score = "in training" if entry.score is None else f"{entry.score:.5g}"
        style = "bold green" if entry.name == progress.best else ("dim" if entry.score is None else "")
        name = entry.name.removeprefix(f"{progress.name}-")
        table.add_row(name, entry.algorithm, score, "" if seconds is None else format_seconds(seconds), style=style)
    return table


def _draw_time(progress: JobProgress) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    clock = format_seconds(progress.elapsed_seconds)
    if not progress.limit_seconds:
        return Text(clock)
    left = "" if progress.is_over else f", {format_seconds(progress.seconds_left)} left"
    completed = min(progress.elapsed_seconds, progress.limit_seconds)
    line = Table.grid(padding=(0, 1))
    line.add_row(
        ProgressBar(total=progress.limit_seconds, completed=completed, width=BAR_COLUMNS, complete_style="cyan"),
        f"{clock} of {format_seconds(progress.limit_seconds)}{left}",
    )
    return line
