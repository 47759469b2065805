"""Reads CSV and Parquet files into one table, by column and without guessing: CSV cells stay text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from gyropilot.engine.data.in_memory import to_arrow
from gyropilot.engine.errors import DataError

ZIP_MAGIC = b"PK\x03\x04"
GZIP_MAGIC = b"\x1f\x8b"
MAX_SKIPPED_FRACTION = 0.2
"""More malformed rows than this share of a file mean that it is not the table it claims to be."""


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as read: every column is text (`string`) or a number (`double`), missing cells are null."""

    columns: pa.Table
    """The cells. In the metadata of its field, a column that was more than text keeps the name of its `type`."""
    skipped_rows: int = 0
    """Malformed rows that were left out."""
    skipped_examples: tuple[str, ...] = ()
    """Where the first of them are: file, row number and what is wrong."""


def read_table(paths: Sequence[Path], *, data_format: str = "csv", compression: str = "") -> RawTable:
    """Read files of one header as one table.

    Args:
        paths: the files, in the order of their rows.
        data_format: `csv` or `parquet`.
        compression: `gzip` for compressed CSV, or nothing.

    Raises:
        DataError: when a file is empty, not of the format, or has other columns than the first.
    """
    if not paths:
        raise DataError("There are no data files.")
    parts = [_read_parquet(path) if data_format == "parquet" else _read_csv(path, compression) for path in paths]
    names = parts[0].columns.column_names
    for path, part in zip(paths, parts, strict=True):
        if part.columns.column_names != names:
            raise DataError(f"{path.name} has other columns than {paths[0].name}: {_difference(names, part.columns)}")
    return RawTable(
        columns=pa.concat_tables([part.columns for part in parts], promote_options="permissive"),
        skipped_rows=sum(part.skipped_rows for part in parts),
        skipped_examples=tuple(example for part in parts for example in part.skipped_examples)[:5],
    )


def adopt_table(data: Any) -> RawTable:
    """Take a table that is in memory already, in any of the forms of `to_arrow`.

    Raises:
        DataError: when it is no such thing, or a column cannot be learned from.
    """
    table = to_arrow(data)
    _checked_names("The table", tuple(table.column_names))
    return RawTable(columns=_normalise(table))


def fingerprint(paths: Sequence[Path]) -> str:
    """Return a digest of the files' content, by which a resumed run knows its data."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _read_csv(path: Path, compression: str) -> RawTable:
    _check_beginning(path, compression)
    skipped: list[Any] = []

    def skip(row: Any) -> str:
        skipped.append(row)
        return "skip"

    with ExitStack() as stack:
        names = _read_names(path, compression)
        source = stack.enter_context(pa.input_stream(str(path), compression=compression or None))
        try:
            table = pyarrow.csv.read_csv(
                source,
                read_options=pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=0, use_threads=False),
                parse_options=pyarrow.csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=skip, ignore_empty_lines=True
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path.name} cannot be read as CSV in UTF-8: {error}") from error
    table = table.slice(1)  # the header was read as a row: Arrow numbers rows from the file's first line then
    if table.num_rows == 0:
        raise DataError(f"{path.name} has a header but no rows.")
    if len(skipped) > MAX_SKIPPED_FRACTION * (table.num_rows + len(skipped)):
        raise DataError(
            f"{path.name}: {len(skipped)} of {table.num_rows + len(skipped)} rows do not have the header's "
            f"{len(names)} columns. The first: {_describe(path, skipped[0])}"
        )
    return RawTable(
        columns=table,
        skipped_rows=len(skipped),
        skipped_examples=tuple(_describe(path, row) for row in skipped[:5]),
    )


def _check_beginning(path: Path, compression: str) -> None:
    with path.open("rb") as file:
        beginning = file.read(4)
    if not beginning:
        raise DataError(f"{path.name} is empty.")
    if beginning.startswith(ZIP_MAGIC):
        raise DataError(f"{path.name} is a ZIP archive, not a CSV file; unpack it first.")
    if beginning.startswith(GZIP_MAGIC) and not compression:
        raise DataError(f"{path.name} is compressed with gzip; say so with the compression type Gzip.")


def _read_names(path: Path, compression: str) -> tuple[str, ...]:
    with pa.input_stream(str(path), compression=compression or None) as source:
        try:
            reader = pyarrow.csv.open_csv(
                source,
                read_options=pyarrow.csv.ReadOptions(
                    autogenerate_column_names=True, block_size=1 << 22, use_threads=False
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=lambda _row: "skip"
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types={f"f{index}": pa.string() for index in range(20_000)}
                ),
            )
            first = reader.read_next_batch().slice(0, 1)
        except (pa.ArrowInvalid, OSError, StopIteration) as error:
            raise DataError(f"{path.name} cannot be read as CSV in UTF-8: {error}") from error
    names = tuple(str(cell.as_py() or "") for column in first.columns for cell in column)
    return _checked_names(path.name, names)


def _read_parquet(path: Path) -> RawTable:
    try:
        table = pyarrow.parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name} is not a Parquet file that can be read: {error}") from error
    if table.num_rows == 0:
        raise DataError(f"{path.name} has no rows.")
    _checked_names(path.name, tuple(table.column_names))
    return RawTable(columns=_normalise(table))


def _checked_names(place: str, names: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise DataError(f"{place}: Duplicate column names were found: {', '.join(map(repr, repeated))}")
    return names


def _normalise(table: pa.Table) -> pa.Table:
    """Turn every column into text or numbers, as a CSV of the same table would hold them."""
    fields, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        plain = _decode(column) if pa.types.is_dictionary(column.type) else column
        columns.append(_to_text_or_numbers(name, plain))
        fields.append(pa.field(name, columns[-1].type, metadata={"type": str(plain.type)}))
    return pa.table(columns, schema=pa.schema(fields))


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type
    plain = pa.string() if pa.types.is_string_view(kind) else kind  # Arrow does not decode every kind of text itself
    return pa.chunked_array([chunk.dictionary.cast(plain).take(chunk.indices) for chunk in column.chunks], plain)


def _to_text_or_numbers(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    if pa.types.is_duration(kind):
        return pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
    if (pa.types.is_temporal(kind) and not pa.types.is_interval(kind)) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = column.cast(pa.string())
        return pc.if_else(pc.equal(text, ""), None, text)
    raise DataError(f"Column {name!r} has the type {kind}, which cannot be learned from.")


def _describe(path: Path, row: Any) -> str:
    line = f"line {row.number}" if row.number is not None else "a line"
    return f"{path.name}, {line}: {row.actual_columns} cells where {row.expected_columns} are expected"


def _difference(names: list[str], other: pa.Table) -> str:
    missing = [name for name in names if name not in other.column_names]
    added = [name for name in other.column_names if name not in names]
    if not missing and not added:
        return "the same names in another order"
    return f"missing {missing[:5]}, added {added[:5]}"
