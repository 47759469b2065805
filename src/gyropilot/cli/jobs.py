"""`gyropilot jobs`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot jobs", "gyropilot jobs --limit 100 --json")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many to show, newest first",
)
def jobs(limit: int, as_json: bool) -> None:
    """List the AutoML jobs, newest first."""
    from datetime import UTC, datetime

    from gyropilot.cli.terminal import format_time, make_grid, open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.progress import format_seconds

    pages = Session().client("sagemaker").get_paginator("list_auto_ml_jobs")
    found = [
        job
        for page in pages.paginate(SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"MaxItems": limit})
        for job in page["AutoMLJobSummaries"]
    ]
    if as_json:
        write_json(found)
        return
    console = open_console()
    if not found:
        console.print("There are no jobs yet. Begin with: gyropilot fit FILE --target COLUMN")
        return
    table = make_grid("job", "status", "step", "created", "took", numbers=("took",))
    for job in found:
        took = job.get("EndTime", datetime.now(UTC)) - job["CreationTime"]
        table.add_row(
            job["AutoMLJobName"],
            job["AutoMLJobStatus"],
            job["AutoMLJobSecondaryStatus"],
            format_time(job["CreationTime"]),
            format_seconds(took.total_seconds()),
        )
    console.print(table)
