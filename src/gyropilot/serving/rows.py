"""Reads rows out of a request's body: lists of text cells in training order."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from gyropilot.engine.errors import RequestError
from gyropilot.engine.features.encoders import Cell
from gyropilot.serving.media import CSV, JSON, PARQUET, MediaTypeError
from gyropilot.serving.model import Model

Rows = list[Sequence[Cell]]

SHOWN = 5
"""So many names that came with a request are repeated in an error, each so far:"""
SHOWN_CHARACTERS = 60

csv.field_size_limit(1 << 30)  # the body's size is limited already; one cell may fill it


def read_rows(body: bytes, media_type: str, model: Model) -> Rows:
    """Read a body of one of the media types.

    Raises:
        RequestError: when the body is not what its media type says, or holds no row.
        MediaTypeError: when it is Parquet, and nothing is installed that reads it.
    """
    if media_type == CSV:
        rows = _read_csv(body, model)
    elif media_type == JSON:
        rows = _read_json(body, model)
    elif media_type == PARQUET:
        rows = _read_parquet(body, model)
    else:
        rows = _read_json_lines(body, model)
    if not rows:
        raise RequestError("The request holds no row.")
    return rows


def _read_csv(body: bytes, model: Model) -> Rows:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    try:
        rows: Rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise RequestError(f"The body is not CSV: {error}.") from None
    if rows and is_header(rows[0], model):
        del rows[0]
    return _drop_blank_lines(rows, model)


def is_header(row: Sequence[Cell], model: Model) -> bool:
    """Tell whether a row holds the names of the columns, with or without those that are no features."""
    others = model.other_names
    return tuple(cell for cell in row if cell not in others) == model.feature_names


def _drop_blank_lines(rows: Rows, model: Model) -> Rows:
    if len(model.feature_names) > 1:
        return [row for row in rows if row]
    while rows and not rows[-1]:
        rows.pop()
    return [row or [""] for row in rows]  # of a single column, a blank line is a missing value


def _read_json(body: bytes, model: Model) -> Rows:
    document = parse_json(body, "The body")
    if isinstance(document, dict) and "instances" in document:
        document = document["instances"]
    if not isinstance(document, list):
        raise RequestError('The body must be {"instances": [...]} or a list of rows.')
    return [read_instance(instance, f"Row {number}", model) for number, instance in enumerate(document, 1)]


def _read_json_lines(body: bytes, model: Model) -> Rows:
    lines = [line for line in body.splitlines() if line.strip()]
    named = ((f"Row {number}", line) for number, line in enumerate(lines, 1))
    return [read_instance(parse_json(line, what), what, model) for what, line in named]


def _read_parquet(body: bytes, model: Model) -> Rows:
    try:
        from gyropilot.serving.parquet import read_parquet
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise MediaTypeError(
            415, f"'{PARQUET}' needs pyarrow, which is not installed here; send text/csv or application/json."
        ) from None
    return read_parquet(body, model)


def parse_json(text: bytes | str, what: str) -> Any:
    """Read a JSON document.

    Raises:
        RequestError: when it is none; the message begins with `what`.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"{what} is not JSON: {error}.") from None


def read_instance(instance: Any, what: str, model: Model) -> Sequence[str]:
    """Return the cells of a row that came as JSON: a list of values, or an object with values by column.

    Raises:
        RequestError: when it is neither, or fits the model not; the message begins with `what`.
    """
    if isinstance(instance, dict):
        return _read_named(instance, what, model)
    if isinstance(instance, list):
        return [_read_cell(value, what) for value in instance]
    raise RequestError(f"{what} must be a list of values or an object, not {type(instance).__name__}.")


def _read_named(instance: Mapping[str, Any], what: str, model: Model) -> list[str]:
    unknown = instance.keys() - set(model.feature_names) - model.other_names
    if unknown:
        raise RequestError(f"{what} has columns that the model does not know: {show_names(unknown)}.")
    return [_read_cell(instance.get(name), what) for name in model.feature_names]


def _read_cell(value: Any, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):  # a bool is an int: True becomes 'True', as pandas writes it
        return str(value)
    raise RequestError(f"{what} holds a {type(value).__name__}; a value must be text, a number, a boolean or null.")


def show_names(names: Collection[str]) -> str:
    """Return the first names of those that came with a request, in the order of the alphabet and not at any length."""
    shown = [name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}..." for name in sorted(names)]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more
