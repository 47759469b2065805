"""The files that are given to commands: their format, and whether they have the columns that are named."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gyropilot.cli.failures import NotFoundError
from gyropilot.cli.frame import suggest
from gyropilot.sdk.frames import CSV, PARQUET

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PARQUET_SUFFIXES = (".parquet", ".pq")
SHOWN_COLUMNS = 20


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Some files of one format."""

    paths: tuple[Path, ...]
    """The files."""
    content_type: str
    """Their content type in a create request."""
    compression: str = "None"
    """`None` or `Gzip`."""


def recognise_tables(paths: Sequence[Path]) -> Tables:
    """Tell the format of files by their names.

    Raises:
        click.UsageError: when they differ in format, or two have the same name.
    """
    if len({path.name for path in paths}) < len(paths):
        raise click.UsageError("Two of the files have the same name.")
    formats = {_recognise(path) for path in paths}
    if len(formats) > 1:
        raise click.UsageError("The files must all be CSV, all gzipped CSV, or all Parquet.")
    content_type, compression = formats.pop()
    return Tables(paths=tuple(paths), content_type=content_type, compression=compression)


def _recognise(path: Path) -> tuple[str, str]:
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return PARQUET, "None"
    return CSV, "Gzip" if path.suffix.lower() == ".gz" else "None"


def check_columns(tables: Tables, named: Mapping[str, Iterable[str]]) -> None:
    """Check that every file has the columns that options name, before anything is sent.

    Args:
        tables: the files.
        named: for each option the columns it names.

    Raises:
        click.ClickException: when a file is empty or cannot be read.
        NotFoundError: when a file lacks a column.
    """
    for path in tables.paths:
        columns = read_columns(path)
        if not columns:
            raise click.ClickException(f"{path} is empty.")
        for option, names in named.items():
            for name in names:
                if name not in columns:
                    raise NotFoundError(f"{option}: {path} has no column {name!r}; {_hint(name, columns)}")


def _hint(name: str, columns: Sequence[str]) -> str:
    if close := suggest(name, columns):
        return close[0].lower() + close[1:]
    more = f" and {len(columns) - SHOWN_COLUMNS} more" if len(columns) > SHOWN_COLUMNS else ""
    return f"it has: {', '.join(columns[:SHOWN_COLUMNS])}{more}."


def read_columns(path: Path) -> list[str]:
    """Return the names of a file's columns; none when it is empty.

    Raises:
        click.ClickException: when it cannot be read as what its name says.
    """
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return _read_schema(path)
    is_packed = path.suffix.lower() == ".gz"
    try:
        with (
            path.open("rb") as content,
            gzip.open(content) if is_packed else content as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
        ):
            return next(csv.reader(text), [])
    except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise click.ClickException(f"{path} cannot be read as CSV: {error}.") from None


def _read_schema(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except pa.ArrowException as error:
        raise click.ClickException(f"{path} cannot be read as Parquet: {error}.") from None


def complete_column(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the columns of the files that are on the command line so far, for shells."""
    from click.shell_completion import CompletionItem

    files = ctx.params.get("files") or ctx.args  # arguments of a line that is not complete are left over
    try:
        columns = [column for path in files[:1] for column in read_columns(Path(path))]
    except (OSError, click.ClickException):
        return []
    return [CompletionItem(column) for column in columns if column.startswith(incomplete)]
