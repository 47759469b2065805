"""The leaderboard as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from gyropilot.sdk.automl.leaderboard import LATENCY, Entry, name_objective

STYLES = {"Completed": "", "InProgress": "yellow", "Failed": "red"}


def make_table(entries: Sequence[Entry], best: str) -> Table:
    """Return the leaderboard as a table; the best candidate is marked."""
    metric = next((name for entry in entries if (name := name_objective(entry.candidate))), "score")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("candidate", no_wrap=True)
    table.add_column("algorithm")
    table.add_column(metric, justify="right")
    table.add_column("latency", justify="right")
    table.add_column("status")
    for place, entry in enumerate(entries, 1):
        name = entry.candidate["CandidateName"]
        style = "bold green" if name == best else STYLES.get(entry.candidate["CandidateStatus"], "dim")
        cells = (entry.algorithm, _format_score(entry), _format_latency(entry), _state_of(entry))
        table.add_row(str(place), name, *cells, style=style)
    return table


def _format_score(entry: Entry) -> str:
    return "" if entry.score is None else f"{entry.score:.5g}"


def _format_latency(entry: Entry) -> str:
    seconds = entry.metrics.get(LATENCY)
    return "" if seconds is None else f"{seconds * 1000:.2f} ms"


def _state_of(entry: Entry) -> str:
    reason = entry.candidate.get("FailureReason", "")
    return f"{entry.candidate['CandidateStatus']}: {reason}" if reason else entry.candidate["CandidateStatus"]
