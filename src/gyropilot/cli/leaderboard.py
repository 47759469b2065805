"""`gyropilot leaderboard`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot leaderboard churn-1122-093000", "gyropilot leaderboard churn-1122-093000 --json")
@click.argument("job")
def leaderboard(job: str, as_json: bool) -> None:
    """Show a job's candidates, best first, with every metric."""
    from gyropilot.cli.lookup import describe_job
    from gyropilot.cli.terminal import make_grid, open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.automl.leaderboard import describe_entry, read_leaderboard

    session = Session()
    best = describe_job(session, job).get("BestCandidate", {}).get("CandidateName", "")
    rows = [describe_entry(entry) for entry in read_leaderboard(session, job)]
    if as_json:
        write_json({"job": job, "best_candidate": best or None, "leaderboard": rows})
        return
    said = {"candidate", "algorithm", "status", "objective", "score", "latency_seconds", "created", "ended"}
    metrics = dict.fromkeys(name for row in rows for name in row if name not in {*said, "failure_reason"})
    table = make_grid("candidate", "algorithm", *metrics, numbers=tuple(metrics))
    for row in rows:
        figures = (row.get(metric) for metric in metrics)
        cells = ("" if figure is None else f"{figure:.5g}" for figure in figures)
        name = row["candidate"].removeprefix(f"{job}-")
        table.add_row(name, row["algorithm"], *cells, style="bold green" if row["candidate"] == best else "")
    open_console().print(table if rows else f"The job {job} has no candidates yet.")
