"""Candidates as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from gyropilot.cli.terminal import make_grid
from gyropilot.sdk.automl.leaderboard import LATENCY, Entry, name_objective

STYLES = {"Completed": "", "InProgress": "dim", "Failed": "red"}


def make_table(job: str, entries: Sequence[Entry], best: str) -> Table:
    """Return a job's leaderboard as a table, names without the job's own; the best candidate is marked."""
    metric = next((name for entry in entries if (name := name_objective(entry.candidate))), "score")
    table = make_grid("#", "candidate", "algorithm", metric, "latency", "status", numbers=("#", metric, "latency"))
    table.columns[1].no_wrap = True
    for place, entry in enumerate(entries, 1):
        style = "bold green" if entry.name == best else STYLES.get(entry.status, "dim")
        cells = (entry.algorithm, _format_score(entry), _format_latency(entry), _state_of(entry))
        table.add_row(str(place), entry.name.removeprefix(f"{job}-"), *cells, style=style)
    return table


def _format_score(entry: Entry) -> str:
    return "" if entry.score is None else f"{entry.score:.5g}"


def _format_latency(entry: Entry) -> str:
    seconds = entry.metrics.get(LATENCY)
    return "" if seconds is None else f"{seconds * 1000:.2f} ms"


def _state_of(entry: Entry) -> str:
    reason = entry.candidate.get("FailureReason", "")
    return f"{entry.status}: {reason}" if reason else entry.status
