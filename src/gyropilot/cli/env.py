"""`gyropilot env`."""

from __future__ import annotations

import shlex

import click


@click.command()
def env() -> None:
    """Print the variables that make boto3, the SageMaker SDK and the AWS CLI speak to the server.

    Makes the default bucket, and a file that tells the SageMaker SDK of it and of a role.

    Use it as:  eval "$(gyropilot env)"
    """
    from gyropilot.sdk import Session

    session = Session()
    for name, value in {**session.environment(), **session.sagemaker_environment()}.items():
        click.echo(f"export {name}={shlex.quote(value)}")
