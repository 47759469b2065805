"""`gyropilot logs`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from gyropilot.cli.failures import NotFoundError
from gyropilot.cli.frame import command, suggest, write_json

if TYPE_CHECKING:
    from gyropilot.sdk import Session

ENDPOINT_GROUP = "/aws/sagemaker/Endpoints"


@command("gyropilot logs -f churn-1122-093000", "gyropilot logs churn-endpoint --json")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over, or until Ctrl-C")
def logs(name: str, follow: bool, as_json: bool) -> None:
    """Show the log of a job of any kind, or of an endpoint.

    With --json each line is a document, {"message": ...}, when the log is followed; otherwise all are one list.
    """
    from gyropilot.sdk import Session
    from gyropilot.sdk.job_log import JobLog

    session = Session()
    group, stream, is_over = find_log(session, name)
    log = JobLog(session.client("logs"), group, stream)
    if as_json and not follow:
        write_json([{"message": line} for line in log.read_new()])
        return
    while True:
        was_over = is_over()
        for line in log.read_new():
            _print(line, as_json=as_json)
        if was_over or not follow:
            return
        time.sleep(session.poll_seconds)


def _print(line: str, *, as_json: bool) -> None:
    import json

    click.echo(json.dumps({"message": line}, ensure_ascii=False) if as_json else line)


def find_log(session: Session, name: str) -> tuple[str, str, Callable[[], bool]]:
    """Return group and beginning of the streams of what has this name, and what tells whether it is over.

    Raises:
        NotFoundError: when no job and no endpoint has this name.
    """
    from gyropilot.cli.lookup import ask_for, list_jobs
    from gyropilot.sdk.job_log import AUTOML_GROUP, TRAINING_GROUP, TRANSFORM_GROUP

    kinds: list[tuple[str, str, Callable[[str], dict[str, Any]]]] = [
        (AUTOML_GROUP, "AutoMLJobStatus", session.describe_auto_ml_job_v2),
        (TRANSFORM_GROUP, "TransformJobStatus", session.describe_transform_job),
        (TRAINING_GROUP, "TrainingJobStatus", session.describe_training_job),
    ]
    for group, status, describe in kinds:
        if ask_for(partial(describe, name)) is not None:
            return group, name, partial(_is_over, describe, name, status)
    if ask_for(lambda: session.describe_endpoint(name)) is not None:
        return f"{ENDPOINT_GROUP}/{name}", "", lambda: False
    hint = suggest(name, list_jobs(session))
    raise NotFoundError(f"There is no job or endpoint {name!r}. {hint}".rstrip())


def _is_over(describe: Callable[[str], dict[str, Any]], name: str, status: str) -> bool:
    from gyropilot.sdk.progress import OPEN_STATES

    return describe(name)[status] not in OPEN_STATES
