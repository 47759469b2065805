"""How commands write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_COLUMNS = 160


def open_console(*, stderr: bool = False) -> Console:
    """Return the console; without a terminal it is wide, so that tables are not cut for whoever reads them."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=PLAIN_COLUMNS)


def make_grid(*headings: str, numbers: Sequence[str] = ()) -> Table:
    """Return an empty table; the first column is never broken, those of numbers stand at the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0, justify="right" if heading in numbers else "left")
    return table


def format_time(moment: datetime) -> str:
    """Return a moment in the reader's own time."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def format_size(size: float) -> str:
    """Return a number of bytes as people read it: `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
