"""How commands write."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console

PLAIN_COLUMNS = 160


def open_console() -> Console:
    """Return the console; without a terminal it is wide, so that tables are not cut for whoever reads them."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_COLUMNS)


def format_time(moment: datetime) -> str:
    """Return a moment in the reader's own time."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
