"""`gyropilot env`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from gyropilot.cli.frame import command, write_json

if TYPE_CHECKING:
    from gyropilot.sdk import Session


@command('eval "$(gyropilot env)"', "gyropilot env --json")
def env(as_json: bool) -> None:
    """Print the variables that make boto3, the SageMaker SDK and the AWS CLI speak to the server.

    Makes the default bucket, and a file that tells the SageMaker SDK of it and of a role; where the keys may not, or
    the objects are kept elsewhere, it says so and prints the rest.
    """
    from gyropilot.sdk import Session

    session = Session(sagemaker_config={})  # what was written before must not name the bucket
    variables = {**session.environment(), **_write_sagemaker_defaults(session)}
    if as_json:
        write_json(variables)
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _write_sagemaker_defaults(session: Session) -> dict[str, str]:
    from botocore.exceptions import ClientError

    try:
        return session.sagemaker_environment()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in {403, 501}:  # HTTP: forbidden, not implemented
            raise
        click.echo(f"No defaults for the SageMaker SDK: the server does not let it have a bucket ({error}).", err=True)
        return {}
