"""Rows that models are asked about, from files and standard input, and predictions as files."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pyarrow as pa

LINES = (".jsonl", ".ndjson", ".json")
CHUNK_ROWS = 10_000
WRITABLE = (".csv", ".parquet", ".pq", *LINES)


@contextmanager
def open_rows(data: str) -> Iterator[Any]:
    """Give what the engine reads: the path of a table, or the table of a file of JSON lines; `-` is CSV from stdin.

    Raises:
        click.ClickException: when a file is no JSON lines.
    """
    if data == "-":
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(sys.stdin.buffer.read())
            file.flush()
            yield Path(file.name)
    elif data.lower().endswith(LINES):
        yield _read_lines(Path(data))
    else:
        yield Path(data)


def _read_lines(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.json

    try:
        return pyarrow.json.read_json(path)
    except pa.ArrowException as error:
        raise click.ClickException(f"{path} cannot be read as JSON lines, an object per line: {error}") from None


def check_output(path: Path | None) -> None:
    """Check that a file of predictions can be written as its name says, before anything is computed.

    Raises:
        click.BadParameter: when the name has no known ending, or its folder is missing.
    """
    if path is None:
        return
    if path.suffix.lower() not in WRITABLE:
        raise click.BadParameter(f"{path} must end with one of {', '.join(WRITABLE)}.", param_hint="--output")
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"There is no folder {path.parent}.", param_hint="--output")


def write_rows(rows: pa.Table, path: Path | None) -> None:
    """Write a table in the form that the file's name tells, by atomic rename; as CSV to stdout without one."""
    import pyarrow.parquet

    from gyropilot.engine.files import writing

    if path is None:
        _write_csv(rows, sys.stdout)
        return
    with writing(path) as partial:
        if path.suffix.lower() == ".csv":
            with partial.open("w", encoding="utf-8", newline="") as file:
                _write_csv(rows, file)
        elif path.suffix.lower() in LINES:
            _write_lines(rows, partial)
        else:
            pyarrow.parquet.write_table(rows, partial)


def _write_csv(rows: pa.Table, file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches(CHUNK_ROWS):
        # NumPy's numbers of 32 bits are written with the digits that they have.
        writer.writerows(zip(*(column.to_numpy(zero_copy_only=False) for column in batch.columns), strict=True))


def _write_lines(rows: pa.Table, path: Path) -> None:
    import orjson

    with path.open("wb") as file:
        for batch in rows.to_batches(CHUNK_ROWS):
            file.writelines(orjson.dumps(row) + b"\n" for row in batch.to_pylist())
