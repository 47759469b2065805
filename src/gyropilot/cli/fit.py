"""`gyropilot fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gyropilot.cli.durations import Duration
from gyropilot.cli.failures import Exit
from gyropilot.cli.frame import Word, command, write_json
from gyropilot.cli.goals import ALL_OBJECTIVES, PROBLEM_TYPES, complete_goal
from gyropilot.cli.names import Names
from gyropilot.cli.tables import check_columns, complete_column, recognise_tables

if TYPE_CHECKING:
    from rich.console import Console

    from gyropilot.cli.create_job import JobPlan
    from gyropilot.sdk import Session
    from gyropilot.sdk.progress import JobProgress

MODES = ("ENSEMBLING", "HYPERPARAMETER_TUNING", "AUTO")
MAX_SEED = 2**31 - 1


@command(
    "gyropilot fit churn.csv --target churned",
    "gyropilot fit churn.csv --target churned --time 5m --metric AUC",
    "gyropilot fit part-1.parquet part-2.parquet --target price --validation 0.2 --json",
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--target", required=True, metavar="COLUMN", shell_complete=complete_column, help="The column to predict")
@click.option(
    "--time",
    "--max-runtime",
    "seconds",
    type=Duration(),
    default="5m",
    show_default=True,
    metavar="DURATION",
    help="Limit of the job: 90, 5m, 1h30m",
)
@click.option(
    "--metric",
    "--objective",
    "objective",
    type=Word(ALL_OBJECTIVES),
    metavar="METRIC",
    help=f"Metric that ranks models: {', '.join(ALL_OBJECTIVES)}  [default: told by the problem type]",
)
@click.option("--problem-type", type=Word(PROBLEM_TYPES), help="Kind of answer  [default: told by the data]")
@click.option("--mode", type=Word(MODES), default="ENSEMBLING", show_default=True, help="How models are looked for")
@click.option("--algorithms", type=Names(), metavar="A,B", help="Algorithms that may be used  [default: all]")
@click.option(
    "--validation",
    metavar="FILE|SHARE",
    help="Rows that models are only scored on: a file, or a share such as 0.2  [default: cross-validation]",
)
@click.option(
    "--weights", metavar="COLUMN", shell_complete=complete_column, help="A column that says how much each row counts"
)
@click.option("--features", type=Names(), metavar="A,B", help="The columns to learn from  [default: all]")
@click.option("--max-candidates", metavar="NUMBER", type=click.IntRange(1, 750), help="How many models at most")
@click.option(
    "--seed", metavar="NUMBER", type=click.IntRange(0, MAX_SEED), help="Where randomness starts  [default: 0]"
)
@click.option("--job-name", metavar="NAME", help="Name of the job  [default: made from the file's name]")
@click.option("--detach", is_flag=True, help="Create the job and do not wait for it")
def fit(files: tuple[Path, ...], job_name: str | None, detach: bool, as_json: bool, **options: Any) -> int:
    """Train models on tables (CSV, gzipped CSV or Parquet) and rank them.

    The files together are one table. The job runs in the server. Ctrl-C stops it with the best model so far; Ctrl-C
    once more leaves at once.
    """
    from gyropilot.cli.create_job import create_job, name_job
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session

    plan = make_plan(files, job_name or name_job(files[0]), **options)
    console = open_console(stderr=as_json)
    session = Session()
    _check_algorithms(session, plan)
    create_job(session, plan)
    console.print(f"Job {plan.name} in {session.endpoint_url}", markup=False, soft_wrap=True)
    if detach:
        console.print(f"Follow it with: gyropilot logs -f {plan.name}", markup=False, soft_wrap=True)
        if as_json:
            write_json({"job": plan.name})
        return Exit.DONE
    if console.is_terminal:
        console.print()
    return _follow(session, plan.name, console, as_json=as_json)


def make_plan(
    files: tuple[Path, ...],
    name: str,
    *,
    target: str,
    seconds: int,
    objective: str | None,
    problem_type: str | None,
    algorithms: tuple[str, ...] | None,
    validation: str | None,
    weights: str | None,
    features: tuple[str, ...] | None,
    **others: Any,
) -> JobPlan:
    """Return what the command line asks for; the files are looked into first.

    Raises:
        click.UsageError: when options do not go together.
        NotFoundError: when a file lacks a column that is named.
    """
    from gyropilot.cli.create_job import JobPlan

    goal = complete_goal(problem_type or "", objective or "")
    share, rows = _read_validation(validation)
    plan = JobPlan(
        name=name,
        tables=recognise_tables(files),
        target=target,
        max_runtime_seconds=seconds,
        validation=recognise_tables([rows]) if rows else None,
        validation_fraction=share,
        weights=weights,
        features=features or (),
        algorithms=algorithms or (),
        goal=goal,
        **others,
    )
    named = {"--target": [target], "--weights": [weights] if weights else [], "--features": plan.features}
    for tables in (plan.tables, plan.validation):
        if tables is not None:
            check_columns(tables, named)
    return plan


def _read_validation(text: str | None) -> tuple[float | None, Path | None]:
    """Return the share, or the file; neither when nothing is said."""
    if text is None:
        return None, None
    try:
        share = float(text)
    except ValueError:
        path = Path(text)
        if not path.is_file():
            raise click.BadParameter(
                f"{text!r} is neither a file nor a share between 0 and 1.", param_hint="--validation"
            ) from None
        return None, path
    if not 0 < share < 1:
        raise click.BadParameter(f"A share is greater than 0 and less than 1, not {text}.", param_hint="--validation")
    return share, None


def _check_algorithms(session: Session, plan: JobPlan) -> None:
    """Compare algorithms with those of the API, so that a typo is answered with what was meant."""
    if plan.algorithms:
        shape: Any = session.sagemaker_client.meta.service_model.shape_for("AutoMLAlgorithm")
        word = Word(shape.enum)
        for name in plan.algorithms:
            if name not in shape.enum:
                raise click.BadParameter(word.get_invalid_choice_message(name, None), param_hint="--algorithms")


def _follow(session: Session, job: str, console: Console, *, as_json: bool) -> int:
    """Show the job until it is over; Ctrl-C stops it, and once more leaves it to the server."""
    from gyropilot.sdk.watch import watch_job

    exit_code = Exit.DONE
    try:
        ended = watch_job(session, job, console=console, keeps_candidates=False)
    except KeyboardInterrupt:
        exit_code = Exit.INTERRUPTED
        console.print("\nStopping, with the best model so far; Ctrl-C once more leaves at once.")
        try:
            session.sagemaker_client.stop_auto_ml_job(AutoMLJobName=job)
            ended = watch_job(session, job, console=console, keeps_candidates=False)
        except KeyboardInterrupt:
            console.print(f"\nThe server stops it. Look at it with: gyropilot describe {job}", markup=False)
            return exit_code
    return _report(session, ended, console, exit_code, as_json=as_json)


def _report(session: Session, ended: JobProgress, console: Console, exit_code: Exit, *, as_json: bool) -> int:
    """Show the leaderboard, the reports and what to do next."""
    from gyropilot.cli.candidate_table import make_table
    from gyropilot.cli.reports import list_reports

    if ended.entries:
        console.print()
        console.print(make_table(ended.name, ended.entries, ended.best))
        console.print()
    if not ended.best:
        if exit_code is Exit.INTERRUPTED:
            console.print("The job was stopped before its first model was trained.")
            return exit_code
        raise click.ClickException(ended.failure_reason or f"The job ended without a model ({ended.step}).")
    reports = list_reports(session, ended.name)
    if as_json:
        write_json(_describe(ended, [report.address for report in reports]))
        return exit_code
    console.print(f"Best model: {ended.best}, {ended.score}", style="bold", markup=False, soft_wrap=True)
    if reports:
        console.print(f"Reports: {len(reports)}, {reports[0].folder}", markup=False, soft_wrap=True)
    console.print("\nTry next:", markup=False)
    for line in _suggest_next(ended, has_reports=bool(reports)):
        console.print(f"  gyropilot {line}", markup=False, soft_wrap=True)
    return exit_code


def _suggest_next(ended: JobProgress, *, has_reports: bool) -> tuple[str, str, str]:
    """Return three commands that work with what the job found."""
    return (
        f"predict {ended.name} new.csv",
        f"deploy {ended.name}",
        f"report {ended.name} --open" if has_reports else f"leaderboard {ended.name}",
    )


def _describe(ended: JobProgress, reports: list[str]) -> dict[str, Any]:
    from gyropilot.sdk.automl.leaderboard import describe_entry

    return {
        "job": ended.name,
        "status": ended.status,
        "best_candidate": ended.best,
        "leaderboard": [describe_entry(entry) for entry in ended.entries],
        "reports": reports,
    }
