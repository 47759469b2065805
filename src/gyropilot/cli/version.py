"""`gyropilot version`."""

from __future__ import annotations

import click

from gyropilot import __version__


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"gyropilot {__version__}")
