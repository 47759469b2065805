"""`gyropilot transform`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from gyropilot.cli.deploy import INSTANCE_TYPE
from gyropilot.cli.frame import command, write_json

if TYPE_CHECKING:
    from gyropilot.sdk import Session, Transformer

LINES = (".jsonl", ".ndjson")


@command(
    "gyropilot transform churn-1122-093000 new.csv --output predictions",
    "gyropilot transform churn-1122-093000 s3://bucket/rows/ --join",
)
@click.argument("job")
@click.argument("data", metavar="FILE|S3")
@click.option("--candidate", metavar="NAME", help="Which of the job's candidates  [default: the best]")
@click.option("--join", is_flag=True, help="Put every prediction behind its row")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder to fetch the predictions into")
def transform(job: str, data: str, candidate: str | None, join: bool, output: Path | None, as_json: bool) -> None:
    """Predict a file, a folder or an s3:// location in the server, of any length, with the model of a job.

    Rows hold the columns of the training table in their order, with or without the target. The predictions of a file
    are a file of its name with .out behind it, below the server's default bucket.
    """
    from gyropilot.cli.lookup import find_candidate
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import AutoMLV2, Session

    if not data.startswith("s3://") and not Path(data).exists():
        raise click.BadParameter(f"There is no file {data}.", param_hint="FILE|S3")
    session = Session()
    chosen = find_candidate(session, job, candidate)
    kind = "application/jsonlines" if data.lower().endswith(LINES) else "text/csv"
    model = AutoMLV2.attach(job, session).create_model(None, candidate=chosen)
    transformer = model.transformer(
        1, INSTANCE_TYPE, strategy="MultiRecord", assemble_with="Line", accept=kind if join else None
    )
    try:
        document = _run(session, transformer, data, kind, is_joined=join)
    finally:
        transformer.delete_model()
    written = document["TransformOutput"]["S3OutputPath"]
    files = _fetch(session, written, output) if output else []
    if as_json:
        write_json({"transform_job": document["TransformJobName"], "predictions": written, "files": files})
        return
    console = open_console()
    console.print(f"Transform job {document['TransformJobName']}: {document['TransformJobStatus']}", markup=False)
    for place in files or [written]:
        console.print(place, markup=False, soft_wrap=True)


def _run(session: Session, transformer: Transformer, data: str, kind: str, *, is_joined: bool) -> dict[str, Any]:
    """Run the job to its end and return its description.

    Raises:
        UnexpectedStatusException: when it failed; the message holds its reason.
        KeyboardInterrupt: when that comes; the job is asked to stop.
    """
    from gyropilot.sdk.names import name_from_base

    name = name_from_base("transform")
    address = data if data.startswith("s3://") else session.upload_data(data, key_prefix=f"gyropilot/{name}/data")
    transformer.transform(
        address,
        content_type=kind,
        split_type="Line",
        compression_type="Gzip" if data.lower().endswith(".gz") else None,
        join_source="Input" if is_joined else None,
        job_name=name,
        wait=False,
        logs=False,
    )
    try:
        return session.wait_for_transform_job(name)
    except KeyboardInterrupt:
        transformer.stop_transform_job(wait=False)
        raise


def _fetch(session: Session, address: str, folder: Path) -> list[str]:
    parts = urlsplit(address)
    return session.download_data(folder, parts.netloc, f"{parts.path.strip('/')}/")
