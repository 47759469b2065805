"""`gyropilot version`."""

from __future__ import annotations

import click

from gyropilot import __version__
from gyropilot.cli.frame import command, write_json


@command("gyropilot version")
def version(as_json: bool) -> None:
    """Print the version."""
    if as_json:
        write_json({"version": __version__})
    else:
        click.echo(f"gyropilot {__version__}")
