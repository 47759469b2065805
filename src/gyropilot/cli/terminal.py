"""How commands write."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console

PLAIN_COLUMNS = 160


def open_console() -> Console:
    """Return the console; without a terminal it is wide, so that tables are not cut for whoever reads them."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_COLUMNS)


def format_seconds(seconds: float) -> str:
    """Return a duration as a clock shows it: `0:07`, `12:30`, `1:02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_time(moment: datetime) -> str:
    """Return a moment in the reader's own time."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
