"""Tables that are in memory already: pandas, Polars, Arrow, columns, rows and arrays become Arrow tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gyropilot.engine.errors import DataError


def to_arrow(data: Any) -> pa.Table:
    """Return a table as Arrow: a pandas or Polars frame, whatever else offers Arrow's stream, columns or rows by name.

    The index of a pandas frame is no column. A column of cells of several types becomes text, as a CSV would hold it.

    Raises:
        DataError: when it is no table, or a cell is neither text nor a number, a boolean or a date.
    """
    if is_pandas(data):
        columns = [(str(name), data.iloc[:, place]) for place, name in enumerate(data.columns)]
        return _build(columns)
    if isinstance(data, Mapping):
        return _build([(str(name), values) for name, values in data.items()])
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return _build([(str(name), [row.get(name) for row in data]) for name in names])
    try:
        return data if isinstance(data, pa.Table) else pa.table(data)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"Cannot read a {type(data).__name__} as a table: {error}") from error


def name_columns(matrix: NDArray[Any], names: Sequence[str]) -> pa.Table:
    """Return an (n, p) array as a table of p columns."""
    return _build([(name, matrix[:, place]) for place, name in enumerate(names)])


def is_pandas(data: Any) -> bool:
    """Tell whether it is a pandas frame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def is_polars(data: Any) -> bool:
    """Tell whether it is a Polars frame, without importing Polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, polars.DataFrame)


def _build(columns: Sequence[tuple[str, Any]]) -> pa.Table:
    try:
        arrays = [_to_column(name, values) for name, values in columns]
        return pa.table(arrays, names=[name for name, _ in columns])
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise (
            error if isinstance(error, DataError) else DataError(f"Cannot read the data as a table: {error}")
        ) from error


def _to_column(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, from_pandas=True)  # NaN and its like are missing cells
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([_spell(name, cell) for cell in values], pa.string())


def _spell(name: str, cell: Any) -> str | None:
    """Return a cell as a CSV file would hold it."""
    value = cell.item() if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64) else cell
    is_missing = value is None or value is getattr(sys.modules.get("pandas"), "NA", None)
    if is_missing or (isinstance(value, float | datetime) and value != value):  # NaN and NaT differ from themselves
        return None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | bool | int | float | Decimal):
        return str(value)
    raise DataError(
        f"Column {name!r} holds a {type(value).__name__}; a cell is text, a number, a boolean or a date, or missing."
    )
