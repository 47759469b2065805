"""`gyropilot fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gyropilot.cli.goals import ALL_OBJECTIVES, PROBLEM_TYPES, complete_goal

if TYPE_CHECKING:
    from rich.console import Console

    from gyropilot.sdk import Session
    from gyropilot.sdk.progress import JobProgress

EXIT_INTERRUPTED = 130


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--target", required=True, help="The column to predict")
@click.option(
    "--max-runtime", type=click.IntRange(1), default=300, show_default=True, metavar="SECONDS", help="Limit of the job"
)
@click.option(
    "--objective",
    type=click.Choice(ALL_OBJECTIVES, case_sensitive=False),
    metavar="METRIC",
    help=f"Metric that ranks models: {', '.join(ALL_OBJECTIVES)}  [default: told by the problem type]",
)
@click.option(
    "--problem-type",
    type=click.Choice(list(PROBLEM_TYPES), case_sensitive=False),
    help="Kind of answer  [default: told by the data]",
)
@click.option("--algorithms", default="", metavar="A,B", help="Algorithms that may be used  [default: all]")
@click.option("--max-candidates", type=click.IntRange(1, 750), help="How many models at most")
@click.option("--job-name", default="", help="Name of the job  [default: made from the file's name]")
def fit(
    files: tuple[Path, ...],
    target: str,
    max_runtime: int,
    objective: str | None,
    problem_type: str | None,
    algorithms: str,
    max_candidates: int | None,
    job_name: str,
) -> int:
    """Train models on tables (CSV, gzipped CSV or Parquet) and rank them.

    The files together are one table. The job runs in the server and goes on when this command ends.
    """
    from gyropilot.cli.create_job import JobPlan, create_job, name_job
    from gyropilot.cli.tables import check_target, recognise_tables
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.watch import watch_job

    plan = JobPlan(
        name=job_name or name_job(files[0]),
        tables=recognise_tables(files),
        target=target,
        max_runtime_seconds=max_runtime,
        max_candidates=max_candidates,
        algorithms=tuple(name for part in algorithms.split(",") if (name := part.strip())),
        goal=complete_goal(problem_type or "", objective or ""),
    )
    check_target(plan.tables, target)
    console = open_console()
    session = Session()
    create_job(session, plan)
    console.print(f"Job {plan.name} in {session.endpoint_url}", markup=False, soft_wrap=True)
    try:
        ended = watch_job(session, plan.name, console=console)
    except KeyboardInterrupt:
        return _leave(session, plan.name, console)
    return _report(session, ended, console)


def _leave(session: Session, job: str, console: Console) -> int:
    """Ask whether the job is to go on without us, and say how to look at it."""
    console.print(f"\nThe job {job} goes on in the server.", markup=False, soft_wrap=True)
    if console.is_terminal and click.confirm("Stop it, keeping the best model so far?", default=False):
        session.client("sagemaker").stop_auto_ml_job(AutoMLJobName=job)
        console.print("It is being stopped.")
    console.print(f"Look at it with: gyropilot describe {job}", markup=False, soft_wrap=True)
    return EXIT_INTERRUPTED


def _report(session: Session, ended: JobProgress, console: Console) -> int:
    from gyropilot.cli.leaderboard import make_table
    from gyropilot.sdk.automl.leaderboard import read_leaderboard

    entries = read_leaderboard(session, ended.name)
    if entries:
        console.print(make_table(entries, ended.best))
    if not ended.best:
        reason = ended.failure_reason or f"The job ended without a model ({ended.step})."
        raise click.ClickException(reason)
    model = next(entry for entry in entries if entry.candidate["CandidateName"] == ended.best)
    url = "".join(container["ModelDataUrl"] for container in model.candidate.get("InferenceContainers", []))
    for line in (
        f"Best model: {ended.best}, {url}",
        "",
        "Try next:",
        f"  gyropilot describe {ended.name}",
        "  gyropilot jobs",
        '  eval "$(gyropilot env)"    # then any boto3 script or the AWS CLI speaks to this server',
    ):
        console.print(line, markup=False, soft_wrap=True)
    return 0
