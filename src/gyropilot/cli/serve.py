"""`gyropilot serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gyropilot.cli.frame import Word, command
from gyropilot.settings import QUOTAS


@command("gyropilot serve", "gyropilot serve --port 9000 --home ./state", "gyropilot serve --port 0 --json")
@click.option("--host", help="Address to listen on  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any free one  [default: 8437]")
@click.option("--home", type=click.Path(path_type=Path), help="The state folder  [default: ~/.gyropilot]")
@click.option("--s3", metavar="URL", help="An S3 elsewhere that keeps the objects, or: aws")
@click.option("--quotas", type=Word(QUOTAS), help="What jobs may ask for  [default: generous]")
@click.option("--anonymous", is_flag=True, help="Let unsigned requests in; on loopback only")
def serve(
    host: str | None,
    port: int | None,
    home: Path | None,
    s3: str | None,
    quotas: str | None,
    anonymous: bool,
    as_json: bool,
) -> None:
    """Run the server in the foreground until Ctrl-C.

    Options win over the variables GYROPILOT_HOST, GYROPILOT_PORT, GYROPILOT_HOME, GYROPILOT_S3_ENDPOINT and
    GYROPILOT_QUOTAS. With --json a line of JSON says where the server listens, once it does.
    """
    chosen = {
        "GYROPILOT_HOST": host,
        "GYROPILOT_PORT": port,
        "GYROPILOT_HOME": home,
        "GYROPILOT_S3_ENDPOINT": s3,
        "GYROPILOT_QUOTAS": quotas,
    }
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    sys.stdout.flush()
    flags = [flag for flag, given in (("--anonymous", anonymous), ("--json", as_json)) if given]
    os.execv(sys.executable, [sys.executable, "-m", "gyropilot.server", *flags])  # noqa: S606  # our own program takes over
