"""`gyropilot env`."""

from __future__ import annotations

import shlex

import click


@click.command()
def env() -> None:
    """Print the variables that make boto3, the SageMaker SDK and the AWS CLI speak to the server.

    Use it as:  eval "$(gyropilot env)"
    """
    from gyropilot.sdk import Session

    for name, value in Session().environment().items():
        click.echo(f"export {name}={shlex.quote(value)}")
