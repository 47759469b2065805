"""Reads rows out of a request's body: lists of text cells in training order."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gyropilot.engine.errors import RequestError
from gyropilot.serving.media import CSV, JSON
from gyropilot.serving.model import Model

Rows = list[list[str]]

csv.field_size_limit(1 << 30)  # the body's size is limited already; one cell may fill it


def read_rows(body: bytes, media_type: str, model: Model) -> Rows:
    """Read a body of one of the media types.

    Raises:
        RequestError: when the body is not what its media type says, or holds no row.
    """
    if media_type == CSV:
        rows = _read_csv(body, model)
    elif media_type == JSON:
        rows = _read_json(body, model)
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
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise RequestError(f"The body is not CSV: {error}.") from None
    if rows and _is_header(rows[0], model):
        del rows[0]
    return _drop_blank_lines(rows, model)


def _is_header(row: Sequence[str], model: Model) -> bool:
    names = list(model.feature_names)
    if row == names:
        return True
    names.insert(model.target_position, model.target)
    return row == names


def _drop_blank_lines(rows: Rows, model: Model) -> Rows:
    if len(model.feature_names) > 1:
        return [row for row in rows if row]
    while rows and not rows[-1]:
        rows.pop()
    return [row or [""] for row in rows]  # of a single column, a blank line is a missing value


def _read_json(body: bytes, model: Model) -> Rows:
    document = _parse(body, "The body")
    if isinstance(document, dict) and "instances" in document:
        document = document["instances"]
    if not isinstance(document, list):
        raise RequestError('The body must be {"instances": [...]} or a list of rows.')
    return [_read_instance(instance, number, model) for number, instance in enumerate(document, 1)]


def _read_json_lines(body: bytes, model: Model) -> Rows:
    lines = [line for line in body.splitlines() if line.strip()]
    return [_read_instance(_parse(line, f"Row {number}"), number, model) for number, line in enumerate(lines, 1)]


def _parse(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"{what} is not JSON: {error}.") from None


def _read_instance(instance: Any, number: int, model: Model) -> list[str]:
    if isinstance(instance, dict):
        return _read_named(instance, number, model)
    if isinstance(instance, list):
        return [_read_cell(value, number) for value in instance]
    raise RequestError(f"Row {number} must be a list of values or an object, not {type(instance).__name__}.")


def _read_named(instance: Mapping[str, Any], number: int, model: Model) -> list[str]:
    unknown = instance.keys() - set(model.feature_names) - {model.target}
    if unknown:
        raise RequestError(f"Row {number} has columns that the model does not know: {', '.join(sorted(unknown))}.")
    return [_read_cell(instance.get(name), number) for name in model.feature_names]


def _read_cell(value: Any, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):  # a bool is an int: True becomes 'True', as pandas writes it
        return str(value)
    raise RequestError(
        f"Row {number} holds a {type(value).__name__}; a value must be text, a number, a boolean or null."
    )
