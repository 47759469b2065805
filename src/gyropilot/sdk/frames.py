"""Frames of pandas, Polars and Arrow as files that a job can read."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"
"""The content types of tables in a create request."""


def is_frame(data: Any) -> bool:
    """Tell whether it is a table in memory: a pandas or Polars frame, or whatever else offers Arrow's stream."""
    return is_pandas(data) or hasattr(data, "__arrow_c_stream__")


def is_pandas(data: Any) -> bool:
    """Tell whether it is a pandas frame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def write_parquet(frame: Any) -> bytes:
    """Return a frame as a Parquet file. The index of a pandas frame is no column.

    Raises:
        ValueError: when a column holds cells of several types, or the frame holds no rows.
    """
    import pyarrow.parquet

    table = _to_arrow(frame)
    if not table.num_rows:
        raise ValueError("The frame has no rows; there is nothing to learn from.")
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def _to_arrow(frame: Any) -> pa.Table:
    import pyarrow as pa

    try:
        if is_pandas(frame):
            return pa.Table.from_pandas(frame, preserve_index=False)
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ValueError(
            f"The frame cannot be written as a table: {error}. Give each column cells of one type, for example by "
            "frame.astype({'column': str}), and each its own name."
        ) from error


def to_frame(rows: list[dict[str, Any]]) -> Any:
    """Return rows as a pandas frame; their columns in the order in which they first appear.

    Raises:
        ImportError: when pandas is not installed.
        ValueError: when cells of a column are of several types.
    """
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        return pa.table({name: [row.get(name) for row in rows] for name in names}).to_pandas()
    except pa.ArrowException as error:
        raise ValueError(f"The rows are no table, since cells of a column are of several types: {error}.") from error
