"""Single values as text and as JSON: timestamps, numbers, booleans, blobs."""

from __future__ import annotations

import base64
import math
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from botocore.model import Shape
from botocore.utils import parse_timestamp as parse_any_timestamp

from gyropilot.api.protocols.contracts import MalformedRequestError

INTEGERS = frozenset({"integer", "long"})
FLOATS = frozenset({"float", "double"})
CONVERTED = frozenset({"timestamp", "blob"}) | FLOATS
"""Types whose values are not written into JSON as they are."""


def parse_text(shape: Shape, text: str) -> Any:
    """Return the value that a text of the wire stands for.

    Raises:
        MalformedRequestError: when it is none of the shape's type.
    """
    kind = shape.type_name
    try:
        if kind == "timestamp":
            return parse_timestamp(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind in INTEGERS:
            return int(text)
        if kind in FLOATS:
            return float(text)
    except (ValueError, KeyError):
        raise MalformedRequestError(f"'{text}' is not a valid {kind}") from None
    return text


def format_text(shape: Shape, value: Any, timestamp_format: str) -> str:
    """Return the text that stands for a value on the wire."""
    kind = shape.type_name
    if kind == "timestamp":
        return str(format_timestamp(value, shape.serialization.get("timestampFormat", timestamp_format)))
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "boolean":
        return "true" if value else "false"
    if kind in FLOATS:
        return str(format_float(value))
    return str(value)


def parse_timestamp(value: object) -> datetime:
    """Return the moment, aware and in UTC; epoch seconds, ISO 8601 and RFC 822 are understood.

    Raises:
        MalformedRequestError: when it is none of them.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise MalformedRequestError(f"'{value}' is not a valid timestamp")
    try:
        moment = parse_any_timestamp(value)  # type: ignore[arg-type]  # it takes numbers too
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, RuntimeError, OverflowError):  # the last one: a zone may lead out of the calendar
        raise MalformedRequestError(f"'{value}' is not a valid timestamp") from None


def format_timestamp(moment: datetime, timestamp_format: str) -> str | float:
    """Return a moment in one of the model's three formats; RFC 822 tells seconds, the others milliseconds, like AWS."""
    moment = moment.astimezone(UTC)
    if timestamp_format.lower() == "rfc822":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    if timestamp_format.lower() == "unixtimestamp":
        seconds, milliseconds = math.floor(moment.timestamp()), moment.microsecond // 1000
        return seconds + milliseconds / 1000 if milliseconds else seconds
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def format_float(value: float) -> float | str:
    """Return the number, or the word that the protocols have for one that is not finite."""
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def parse_json_scalar(shape: Shape, value: Any) -> Any:
    """Return what a JSON scalar stands for; one of a wrong type is left to the validation.

    Raises:
        MalformedRequestError: when a timestamp or a blob cannot be understood.
    """
    kind = shape.type_name
    if kind == "timestamp":
        return parse_timestamp(value)
    if kind == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:  # of base64, or of letters that are not ASCII
            raise MalformedRequestError("a blob is not valid base64") from None
    if kind in FLOATS and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return value


def format_json_scalar(shape: Shape, value: Any) -> Any:
    """Return the JSON value that stands for a scalar."""
    kind = shape.type_name
    if kind == "timestamp":
        return format_timestamp(value, shape.serialization.get("timestampFormat", "unixtimestamp"))
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind in FLOATS:
        return format_float(value)
    return value
