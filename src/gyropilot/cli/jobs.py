"""`gyropilot jobs`."""

from __future__ import annotations

import click


@click.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show, newest first")
def jobs(limit: int) -> None:
    """List the AutoML jobs, newest first."""
    from datetime import UTC, datetime

    from rich import box
    from rich.table import Table

    from gyropilot.cli.terminal import format_time, open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.progress import format_seconds

    pages = Session().client("sagemaker").get_paginator("list_auto_ml_jobs")
    found = [
        job
        for page in pages.paginate(SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"MaxItems": limit})
        for job in page["AutoMLJobSummaries"]
    ]
    console = open_console()
    if not found:
        console.print("There are no jobs yet. Begin with: gyropilot fit FILE --target COLUMN")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("job", "status", "step", "created", "took"):
        table.add_column(heading, no_wrap=heading == "job")
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
