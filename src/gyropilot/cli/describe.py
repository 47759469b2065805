"""`gyropilot describe`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeAutoMLJobResponseTypeDef


@click.command()
@click.argument("job")
def describe(job: str) -> None:
    """Show one job and its candidates, best first."""
    from gyropilot.cli.leaderboard import make_table
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.automl.leaderboard import read_leaderboard

    session = Session()
    document = session.client("sagemaker").describe_auto_ml_job(AutoMLJobName=job)
    console = open_console()
    for name, value in _list_facts(document):
        console.print(f"{name + ':':<14}{value}", markup=False, soft_wrap=True)
    entries = read_leaderboard(session, job)
    if entries:
        console.print(make_table(entries, document.get("BestCandidate", {}).get("CandidateName", "")))


def _list_facts(job: DescribeAutoMLJobResponseTypeDef) -> Iterator[tuple[str, str]]:
    from gyropilot.cli.terminal import format_time

    yield "Job", job["AutoMLJobName"]
    yield "Status", f"{job['AutoMLJobStatus']} ({job['AutoMLJobSecondaryStatus']})"
    if reason := job.get("FailureReason"):
        yield "Failure", reason
    channel = job["InputDataConfig"][0]
    yield "Data", channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    yield "Target", channel["TargetAttributeName"]
    resolved = job.get("ResolvedAttributes", {})
    if "ProblemType" in resolved:
        yield "Problem", resolved["ProblemType"]
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
