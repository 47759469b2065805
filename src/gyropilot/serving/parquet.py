"""Reads tables of Parquet. Needs pyarrow: it is imported when the first such table comes, and never before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from gyropilot.engine.data.read import adopt_table
from gyropilot.engine.errors import DataError, RequestError
from gyropilot.serving.model import Model
from gyropilot.serving.rows import Rows, show_names

MAX_TABLE_BYTES = 128 << 20
"""The greatest table of a request: the bytes of its cells' text, and CELL_BYTES for each. Few bytes can hold many."""
CELL_BYTES = 8
ROWS_AT_ONCE = 4096


def read_parquet(body: bytes, model: Model) -> Rows:
    """Read the rows of a request.

    Raises:
        RequestError: when it is no Parquet, lacks columns of the model, or is larger than a request may be.
    """
    rows: Rows = []
    for part in iterate_parquet(pa.BufferReader(body), model.feature_names, most_bytes=MAX_TABLE_BYTES):
        rows += part
    return rows


def iterate_parquet(
    source: Path | pa.NativeFile, columns: Sequence[str], *, most_bytes: float = math.inf
) -> Iterator[Rows]:
    """Yield the rows of a table in pieces: the cells of some columns, which are found by their names.

    Args:
        source: the table.
        columns: their names, in the order of the cells.
        most_bytes: how large the table may be; each piece of it, MAX_TABLE_BYTES at most.

    Raises:
        RequestError: when it is no Parquet, lacks columns of the model, or is larger.
    """
    room, most_at_once = most_bytes, min(most_bytes, MAX_TABLE_BYTES)
    try:
        # Cells of text are looked at as what they repeat: a few bytes could hold more than the memory does.
        with pyarrow.parquet.ParquetFile(source, read_dictionary=_find_texts(source, columns)) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
                size = _count_bytes(batch)
                room -= size
                if size > most_at_once or room < 0:
                    raise RequestError(f"The table is too large: its cells hold more than {most_at_once} bytes.")
                yield _take_rows(batch, columns)
    except (pa.ArrowException, OSError, DataError) as error:
        first_line = str(error).partition("\n")[0]
        raise RequestError(f"The table is not Parquet that can be read: {first_line}") from None


def _find_texts(source: Path | pa.NativeFile, columns: Sequence[str]) -> list[str]:
    """Return the names of the columns that are text."""
    schema = pyarrow.parquet.read_schema(source)
    counts = Counter(schema.names)
    repeated = [name for name, count in counts.items() if count > 1]
    missing = [name for name in columns if name not in counts]
    if missing or repeated:
        what = f"lacks columns of the model: {show_names(missing)}" if missing else f"repeats {show_names(repeated)}"
        raise RequestError(f"The table {what}.")
    if isinstance(source, pa.NativeFile):
        source.seek(0)
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return [name for name in columns if any(is_kind(schema.field(name).type) for is_kind in kinds)]


def _count_bytes(batch: pa.RecordBatch) -> int:
    size: int = CELL_BYTES * batch.num_rows * batch.num_columns
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            size += pc.sum(lengths).as_py() or 0
        else:
            size += column.nbytes
    return size


def _take_rows(batch: pa.RecordBatch, columns: Sequence[str]) -> Rows:
    table = adopt_table(pa.Table.from_batches([batch])).columns
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
