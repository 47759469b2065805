"""`gyropilot report`."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gyropilot.cli.failures import NotFoundError
from gyropilot.cli.frame import command, write_json

if TYPE_CHECKING:
    from gyropilot.cli.reports import Report
    from gyropilot.sdk import Session


@command(
    "gyropilot report churn-1122-093000",
    "gyropilot report churn-1122-093000 --open",
    "gyropilot report churn-1122-093000 --output reports",
)
@click.argument("job")
@click.option("--open", "is_opened", is_flag=True, help="Fetch the reports and open the first page in a browser")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder to fetch them into")
def report(job: str, is_opened: bool, output: Path | None, as_json: bool) -> None:
    """List the reports of a job: pages, PDF files and notebooks; --output fetches them.

    With --open they are fetched into the folder that --output names, or into the state folder.
    """
    from gyropilot.cli.lookup import describe_job
    from gyropilot.cli.reports import list_reports
    from gyropilot.cli.terminal import format_size, make_grid, open_console
    from gyropilot.sdk import Session

    session = Session()
    describe_job(session, job)
    found = list_reports(session, job)
    if is_opened and output is None:
        from gyropilot.sdk.home import Home

        output = Home.find().path / "reports" / job
    files: list[Path] = _fetch(session, found, output) if output else []
    if as_json:
        write_json(
            [
                {"name": each.place, "address": each.address, "size": each.size, "file": str(file) if file else None}
                for each, file in zip_longest(found, files)
            ]
        )
    elif found:
        table = make_grid("report", "size", "file" if files else "address", numbers=("size",))
        for place, each in enumerate(found):
            table.add_row(each.place, format_size(each.size), str(files[place]) if files else each.address)
        open_console().print(table)
    else:
        open_console().print(f"The job {job} has no reports, or none yet.")
    if is_opened:
        _open(job, files)


def _fetch(session: Session, reports: list[Report], folder: Path) -> list[Path]:
    """Download the reports and return their files.

    Raises:
        click.ClickException: when a key would lead out of the folder.
    """
    files = []
    for each in reports:
        file = (folder / each.place).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise click.ClickException(f"The key {each.key!r} leads out of {folder}; fetch it by itself.")
        file.parent.mkdir(parents=True, exist_ok=True)
        session.s3_client.download_file(each.bucket, each.key, str(file))
        files.append(file)
    return files


def _open(job: str, files: list[Path]) -> None:
    import webbrowser

    if not files:
        raise NotFoundError(f"The job {job} has no reports that could be opened.")
    if not webbrowser.open(files[0].as_uri()):
        raise click.ClickException(f"There is no browser here; open {files[0]} with one.")
