"""`gyropilot serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gyropilot.settings import QUOTAS


@click.command()
@click.option("--host", help="Address to listen on  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any free one  [default: 8437]")
@click.option("--home", type=click.Path(path_type=Path), help="The state folder  [default: ~/.gyropilot]")
@click.option("--quotas", type=click.Choice(QUOTAS), help="What jobs may ask for  [default: generous]")
def serve(host: str | None, port: int | None, home: Path | None, quotas: str | None) -> None:
    """Run the server in the foreground until Ctrl-C.

    Options win over the variables GYROPILOT_HOST, GYROPILOT_PORT, GYROPILOT_HOME and GYROPILOT_QUOTAS.
    """
    chosen = {"GYROPILOT_HOST": host, "GYROPILOT_PORT": port, "GYROPILOT_HOME": home, "GYROPILOT_QUOTAS": quotas}
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gyropilot.server"])  # noqa: S606  # our own program takes over
