"""`gyropilot deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gyropilot.cli.frame import command, write_json
from gyropilot.cli.names import Names

if TYPE_CHECKING:
    from gyropilot.sdk import Session

INSTANCE_TYPE = "ml.m5.large"
"""What AWS must be told and Gyropilot only records."""


@command(
    "gyropilot deploy churn-1122-093000",
    "gyropilot deploy churn-1122-093000 --endpoint churn --keys predicted_label,probability",
    "gyropilot deploy churn-1123-093000 --endpoint churn --update",
)
@click.argument("job")
@click.option("--candidate", metavar="NAME", help="Which of the job's candidates  [default: the best]")
@click.option("--endpoint", metavar="NAME", help="Name of the endpoint  [default: the job's]")
@click.option("--keys", type=Names(), metavar="A,B", help="What answers hold: predicted_label, probability, ...")
@click.option(
    "--instances", metavar="NUMBER", type=click.IntRange(1), default=1, show_default=True, help="How many model servers"
)
@click.option("--update", is_flag=True, help="Let an endpoint that is there take the model over")
@click.option("--wait/--no-wait", default=True, help="Wait until it is in service  [default: wait]")
def deploy(
    job: str,
    candidate: str | None,
    endpoint: str | None,
    keys: tuple[str, ...] | None,
    instances: int,
    update: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Serve the model of a job under an endpoint."""
    from gyropilot.cli.lookup import describe_endpoint, find_candidate
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import AutoMLV2, Session

    session = Session()
    chosen = find_candidate(session, job, candidate)
    name = endpoint or job
    if update:
        describe_endpoint(session, name)
    else:
        _check_is_free(session, name)
    try:
        model = AutoMLV2.attach(job, session).create_model(None, candidate=chosen, inference_response_keys=keys)
    except ValueError as error:  # a candidate without a model, or keys that it does not know
        raise click.ClickException(str(error)) from None
    model.deploy(instances, INSTANCE_TYPE, endpoint_name=name, update_endpoint=update, wait=wait)
    document = session.describe_endpoint(name)
    if as_json:
        write_json(document)
        return
    console = open_console()
    console.print(f"Endpoint {name}: {document['EndpointStatus']}, {chosen['CandidateName']}", markup=False)
    console.print(f"\nAsk it:\n  gyropilot invoke {name} new.csv", markup=False, soft_wrap=True)


def _check_is_free(session: Session, name: str) -> None:
    from gyropilot.cli.lookup import ask_for

    found: dict[str, Any] | None = ask_for(lambda: session.describe_endpoint(name))
    if found is not None:
        raise click.ClickException(
            f"There is an endpoint {name!r} already: let it take the model over with --update, or choose another name "
            "with --endpoint."
        )
