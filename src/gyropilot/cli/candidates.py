"""`gyropilot candidates`."""

from __future__ import annotations

from typing import Any

import click

from gyropilot.cli.frame import Word, command, write_json

STATUSES = ("Completed", "InProgress", "Failed", "Stopped", "Stopping")


@command(
    "gyropilot candidates churn-1122-093000 --status Completed",
    "gyropilot candidates churn-1122-093000 trial-t1-1",
    "gyropilot candidates churn-1122-093000 --json",
)
@click.argument("job")
@click.argument("candidate", required=False)
@click.option("--status", type=Word(STATUSES), help="Only those of this status")
@click.option("--limit", metavar="NUMBER", type=click.IntRange(1), help="How many at most  [default: all]")
def candidates(job: str, candidate: str | None, status: str | None, limit: int | None, as_json: bool) -> None:
    """List a job's candidates, the newest first, or show one of them: its steps, its model, its times."""
    from gyropilot.cli.lookup import describe_job, find_candidate
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session

    session = Session()
    if candidate is not None:
        found = find_candidate(session, job, candidate)
        if as_json:
            write_json(found)
            return
        for name, value in _list_facts(found):
            open_console().print(f"{name + ':':<14}{value}", markup=False, soft_wrap=True)
        return
    describe_job(session, job)
    listed = session.list_candidates(job, status_equals=status, max_results=limit)["Candidates"]
    if as_json:
        write_json(listed)
        return
    _print(job, listed)


def _print(job: str, listed: list[dict[str, Any]]) -> None:
    from gyropilot.cli.terminal import format_time, make_grid, open_console
    from gyropilot.sdk.progress import format_score

    if not listed:
        open_console().print(f"The job {job} has no such candidates.")
        return
    table = make_grid("candidate", "status", "score", "created", "ended")
    for each in listed:
        ended = format_time(each["EndTime"]) if "EndTime" in each else ""
        table.add_row(
            each["CandidateName"], each["CandidateStatus"], format_score(each), format_time(each["CreationTime"]), ended
        )
    open_console().print(table)


def _list_facts(candidate: dict[str, Any]) -> list[tuple[str, str]]:
    from gyropilot.cli.terminal import format_time
    from gyropilot.sdk.progress import format_score

    facts = [
        ("Candidate", candidate["CandidateName"]),
        ("Status", candidate["CandidateStatus"]),
        ("Score", format_score(candidate)),
        ("Failure", candidate.get("FailureReason", "")),
        ("Created", format_time(candidate["CreationTime"])),
        ("Ended", format_time(candidate["EndTime"]) if "EndTime" in candidate else ""),
        *(("Step", step["CandidateStepName"]) for step in candidate["CandidateSteps"]),
        *(("Model", container["ModelDataUrl"]) for container in candidate.get("InferenceContainers", [])),
    ]
    return [(name, value) for name, value in facts if value]
