"""Reads CSV and Parquet files into one table, by column: what is not a number through and through stays text."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from gyropilot.engine.data.columns import numbers_as_numbers, without_nan
from gyropilot.engine.data.csv_text import (
    Malformed,
    check_beginning,
    check_delimiter,
    check_encoding,
    find_malformed,
    read_first_row,
)
from gyropilot.engine.data.in_memory import to_arrow
from gyropilot.engine.errors import DataError

MAX_SKIPPED_FRACTION = 0.2
"""More malformed rows than this share of a file mean that it is not the table it claims to be."""
EXAMPLES = 5
"""So many malformed rows are shown."""
BLOCK_BYTES = 1 << 24
"""What is parsed at once; no row is longer."""


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as read: every column is text (`string`) or a number (`double`), missing cells are null."""

    columns: pa.Table
    """The cells. In the metadata of its field, a column that was more than text keeps the name of its `type`."""
    skipped_rows: int = 0
    """Malformed rows that were left out."""
    skipped_examples: tuple[str, ...] = ()
    """Where the first of them are: file, line and what is wrong."""
    files_without_header: tuple[str, ...] = ()
    """Names of the files that begin with their first row, as only the first file has the header."""


def read_table(
    paths: Sequence[Path], *, data_format: str = "csv", compression: str = "", words: Collection[str] = ()
) -> RawTable:
    """Read files of one header as one table.

    Args:
        paths: the files, in the order of their rows.
        data_format: `csv` or `parquet`.
        compression: `gzip` for compressed CSV, or nothing.
        words: names of columns that stay as they are written; others become numbers when all their cells are.

    Raises:
        DataError: when a file is empty, not of the format, or has other columns than the first.
    """
    if not paths:
        raise DataError("There are no data files.")
    if data_format == "parquet":
        parts = [_read_parquet(path) for path in paths]
    else:
        header = _read_header(paths[0], compression)
        parts = [_read_csv(path, compression, header, first=paths[0]) for path in paths]
    columns, names = _join(paths, parts)
    skipped = sum(part.skipped_rows for part in parts)
    examples = tuple(example for part in parts for example in part.skipped_examples)[:EXAMPLES]
    headless = tuple(name for part in parts for name in part.files_without_header)
    parts.clear()  # each column's text goes as soon as its numbers are there
    return RawTable(
        columns=numbers_as_numbers(columns, names, words),
        skipped_rows=skipped,
        skipped_examples=examples,
        files_without_header=headless,
    )


def adopt_table(data: Any) -> RawTable:
    """Take a table that is in memory already, in any of the forms of `to_arrow`.

    Raises:
        DataError: when it is no such thing, or a column cannot be learned from.
    """
    table = to_arrow(data)
    _check_names("The table", tuple(table.column_names))
    return RawTable(columns=_normalise(table))


def fingerprint(paths: Sequence[Path]) -> str:
    """Return a digest of the files' content, by which a resumed run knows its data."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _read_header(path: Path, compression: str) -> tuple[str, ...]:
    check_beginning(path, compression)
    header = read_first_row(path, compression)
    check_delimiter(path, header)
    _check_names(path.name, header)
    return header


def _read_csv(path: Path, compression: str, header: tuple[str, ...], *, first: Path) -> RawTable:
    has_header = path == first or _has_header(path, compression, header, first)
    skipped: list[bool] = []
    """For each malformed row, whether it holds line ends."""

    def skip(row: Any) -> str:
        skipped.append("\n" in row.text)
        return "skip"

    try:
        with pa.input_stream(str(path), compression=compression or None) as source:
            table = pyarrow.csv.read_csv(
                source,
                read_options=pyarrow.csv.ReadOptions(column_names=list(header), block_size=BLOCK_BYTES),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
    except (pa.ArrowInvalid, OSError) as error:
        check_encoding(path, compression)
        find_malformed(path, compression, len(header), limit=0, to_the_end=True)
        raise DataError(f"{path.name} cannot be read as CSV: {str(error).partition(chr(10))[0]}") from error
    table = table.slice(1) if has_header else table  # a header that holds line ends cannot be skipped by lines
    raw = _check_rows(path, compression, table, skipped)
    return raw if has_header else replace(raw, files_without_header=(path.name,))


def _has_header(path: Path, compression: str, header: tuple[str, ...], first: Path) -> bool:
    """Tell whether a further file begins with the header; when only the first file has one, it begins with a row.

    Raises:
        DataError: when it begins with another header.
    """
    check_beginning(path, compression)
    row = read_first_row(path, compression)
    if row == header:
        return True
    if len(row) == len(header) and not set(row) & set(header) and any(map(_is_number, row)):
        return False
    raise DataError(f"{path.name} has other columns than {first.name}: {_difference(header, row)}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_rows(path: Path, compression: str, table: pa.Table, skipped: list[bool]) -> RawTable:
    """Say where the malformed rows are.

    Raises:
        DataError: when there are too many, or a quotation mark was never closed and took the rows after it.
    """
    width, rows = table.num_columns, table.num_rows + len(skipped)
    last = table.column(width - 1)[-1].as_py() if table.num_rows else None
    # A cell that never ends holds the rest of the file: the last row, malformed or not, holds line ends then.
    to_the_end = any(skipped) or (last is not None and "\n" in last)
    if not skipped and not to_the_end:
        return RawTable(columns=table)
    malformed = find_malformed(path, compression, width, limit=EXAMPLES, to_the_end=to_the_end)
    examples = tuple(_describe(path, each, width) for each in malformed)
    if len(skipped) > MAX_SKIPPED_FRACTION * rows:
        raise DataError(
            f"{path.name}: {len(skipped)} of {rows} rows do not have the header's {width} columns. The first: "
            f"{examples[0]}."
        )
    return RawTable(columns=table, skipped_rows=len(skipped), skipped_examples=examples)


def _describe(path: Path, row: Malformed, width: int) -> str:
    lines = (
        f"line {row.first_line}" if row.first_line == row.last_line else f"lines {row.first_line} to {row.last_line}"
    )
    return f"{path.name}, {lines}: {row.cells} cells where {width} are expected"


def _read_parquet(path: Path) -> RawTable:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_names(path.name, tuple(file.schema_arrow.names))
            return RawTable(columns=_normalise(file.read()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise DataError(f"{path.name} is not a Parquet file that can be read: {first_line}") from error


def _check_names(place: str, names: tuple[str, ...]) -> None:
    """Look for names that occur twice.

    Raises:
        DataError: when there are some.
    """
    places: dict[str, list[int]] = {}
    for place_of_name, name in enumerate(names, 1):
        places.setdefault(name, []).append(place_of_name)
    repeated = [f"{name!r} (columns {', '.join(map(str, all_))})" for name, all_ in places.items() if len(all_) > 1]
    if repeated:
        more = f" and {len(repeated) - EXAMPLES} more" if len(repeated) > EXAMPLES else ""
        raise DataError(f"{place}: Duplicate column names were found: {', '.join(repeated[:EXAMPLES])}{more}")


def _join(paths: Sequence[Path], parts: list[RawTable]) -> tuple[list[pa.ChunkedArray], list[str]]:
    """Return the columns of all files, one below the other, and their names."""
    tables = [part.columns for part in parts]
    names = tables[0].column_names
    if not sum(table.num_rows for table in tables):
        raise DataError(f"{paths[0].name} has a header but no rows.")
    for path, table in zip(paths, tables, strict=True):
        if table.column_names != names:
            raise DataError(
                f"{path.name} has other columns than {paths[0].name}: {_difference(names, table.column_names)}"
            )
    if len(tables) == 1:
        return tables[0].columns, names
    return [_stack(name, [table.column(index) for table in tables], paths) for index, name in enumerate(names)], names


def _stack(name: str, columns: list[pa.ChunkedArray], paths: Sequence[Path]) -> pa.ChunkedArray:
    filled = [index for index, column in enumerate(columns) if column.null_count < len(column)]
    kinds = {columns[index].type for index in filled}
    if len(kinds) > 1:
        other = next(index for index in filled if columns[index].type != columns[filled[0]].type)
        words = {pa.string(): "text", pa.float64(): "numbers"}
        raise DataError(
            f"Column {name!r} holds {words[columns[filled[0]].type]} in {paths[filled[0]].name} and "
            f"{words[columns[other].type]} in {paths[other].name}; all files must have the same types."
        )
    kind = kinds.pop() if kinds else pa.string()
    # A column without a cell has whatever type its writer chose.
    fitting = (column if column.type == kind else pa.nulls(len(column), kind) for column in columns)
    chunks = [
        chunk for column in fitting for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
    ]
    return pa.chunked_array(chunks, kind)


def _normalise(table: pa.Table) -> pa.Table:
    """Turn every column into text or numbers, as a CSV of the same table would hold them."""
    fields, columns = [], []
    for index, name in enumerate(table.column_names):
        column = table.column(index)
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
    try:
        if pa.types.is_boolean(kind):
            return pc.if_else(column, "True", "False")
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return without_nan(column.cast(pa.float64(), safe=False))
        if pa.types.is_duration(kind):
            return pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
        if (pa.types.is_temporal(kind) and not pa.types.is_interval(kind)) or pa.types.is_null(kind):
            return column.cast(pa.string())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            text = column.cast(pa.string())
            return pc.if_else(pc.equal(text, ""), None, text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"Column {name!r} has the type {kind}, which cannot be read: {error}") from error
    raise DataError(f"Column {name!r} has the type {kind}, which cannot be learned from.")


def _difference(names: Sequence[str], others: Sequence[str]) -> str:
    missing = [name for name in names if name not in set(others)]
    added = [name for name in others if name not in set(names)]
    if not missing and not added:
        return "the same names in another order"
    return f"missing {missing[:EXAMPLES]}, added {added[:EXAMPLES]}"
