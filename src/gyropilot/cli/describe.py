"""`gyropilot describe`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot describe churn-1122-093000", "gyropilot describe churn-1122-093000 --json")
@click.argument("job")
def describe(job: str, as_json: bool) -> None:
    """Show one job and its candidates, best first."""
    from gyropilot.cli.candidate_table import make_table
    from gyropilot.cli.lookup import describe_job
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.automl.leaderboard import read_leaderboard

    session = Session()
    document = describe_job(session, job)
    if as_json:
        write_json(document)
        return
    console = open_console()
    for name, value in _list_facts(document):
        console.print(f"{name + ':':<14}{value}", markup=False, soft_wrap=True)
    entries = read_leaderboard(session, job)
    if entries:
        console.print()
        console.print(make_table(job, entries, document.get("BestCandidate", {}).get("CandidateName", "")))


def _list_facts(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from gyropilot.cli.terminal import format_time

    yield "Job", job["AutoMLJobName"]
    yield "Status", f"{job['AutoMLJobStatus']} ({job['AutoMLJobSecondaryStatus']})"
    if reason := job.get("FailureReason"):
        yield "Failure", reason
    channel = job["AutoMLJobInputDataConfig"][0]
    yield "Data", channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    for problem in job["AutoMLProblemTypeConfig"].values():
        yield "Target", problem.get("TargetAttributeName", "")
    resolved = job.get("ResolvedAttributes", {})
    for problem in resolved.get("AutoMLProblemTypeResolvedAttributes", {}).values():
        yield "Problem", problem.get("ProblemType", "")
    if "AutoMLJobObjective" in resolved:
        yield "Objective", resolved["AutoMLJobObjective"]["MetricName"]
    yield "Created", format_time(job["CreationTime"])
    if "EndTime" in job:
        yield "Ended", format_time(job["EndTime"])
    for finding in job.get("PartialFailureReasons", []):
        yield "Note", finding.get("PartialFailureMessage", "")
    if best := job.get("BestCandidate"):
        yield "Best", best["CandidateName"]
        for container in best.get("InferenceContainers", []):
            yield "Model", container["ModelDataUrl"]
