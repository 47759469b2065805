"""`gyropilot invoke`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gyropilot.cli.frame import command, write_json

TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".parquet": "application/x-parquet",
    ".pq": "application/x-parquet",
}
"""What is sent, by the ending of a file's name."""


@command(
    "gyropilot invoke churn new.csv",
    "gyropilot invoke churn --row '39,Private,13,Never-married'",
    "gyropilot invoke churn new.jsonl --accept application/json",
)
@click.argument("endpoint")
@click.argument("data", metavar="[FILE]", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--row", metavar="CELLS", help="A row of CSV, instead of a file")
@click.option("--content-type", metavar="TYPE", help="What is sent  [default: told by the file's name, or text/csv]")
@click.option("--accept", metavar="TYPE", help="What is to come back  [default: the endpoint's own]")
@click.option("--variant", metavar="NAME", help="Which variant is asked  [default: chosen by weight]")
def invoke(
    endpoint: str,
    data: str | None,
    row: str | None,
    content_type: str | None,
    accept: str | None,
    variant: str | None,
    as_json: bool,
) -> None:
    """Ask an endpoint about rows and print its answer; - reads them from standard input.

    With --json the answer is a member of the document, text as a string.
    """
    from gyropilot.cli.lookup import describe_endpoint
    from gyropilot.sdk import Session

    if (data is None) == (row is None):
        raise click.UsageError("Give a file, or one row with --row.")
    body = row.encode() if row is not None else _read(data or "-")
    told = TYPES.get(Path(data).suffix.lower(), "text/csv") if data else "text/csv"
    session = Session()
    describe_endpoint(session, endpoint)
    optional = {"Accept": accept, "TargetVariant": variant}
    answer = session.sagemaker_runtime_client.invoke_endpoint(
        EndpointName=endpoint,
        Body=body,
        ContentType=content_type or told,
        **{name: value for name, value in optional.items() if value is not None},
    )
    text = answer["Body"].read().decode()
    if as_json:
        kind, served_by = answer.get("ContentType"), answer.get("InvokedProductionVariant")
        write_json({"endpoint": endpoint, "variant": served_by, "content_type": kind, "answer": text})
    else:
        click.echo(text, nl=not text.endswith("\n"))


def _read(data: str) -> bytes:
    return sys.stdin.buffer.read() if data == "-" else Path(data).read_bytes()
