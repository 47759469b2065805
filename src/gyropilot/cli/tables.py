"""The files that are given to `gyropilot fit`: their format, and whether they have the target."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"
SUGGESTIONS = 3


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
    if path.suffix.lower() in {".parquet", ".pq"}:
        return PARQUET, "None"
    return CSV, "Gzip" if path.suffix.lower() == ".gz" else "None"


def check_target(tables: Tables, target: str) -> None:
    """Check that CSV files have the target before they are sent; the server checks every format.

    Raises:
        click.ClickException: when a file is empty or has no such column.
    """
    if tables.content_type != CSV:
        return
    for path in tables.paths:
        columns = _read_header(path)
        if not columns:
            raise click.ClickException(f"{path} is empty.")
        if target not in columns:
            raise click.ClickException(f"{path} has no column {target!r}. {_suggest(target, columns)}")


def _read_header(path: Path) -> list[str]:
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


def _suggest(target: str, columns: Sequence[str]) -> str:
    lowered = {column.lower(): column for column in columns}
    close = [lowered[name] for name in difflib.get_close_matches(target.lower(), lowered, n=SUGGESTIONS)]
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}?"
    return f"It has: {', '.join(columns)}."
