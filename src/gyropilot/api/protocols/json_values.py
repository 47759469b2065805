"""Documents as JSON, for both JSON protocols."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from gyropilot.api.protocols.contracts import MalformedRequestError
from gyropilot.api.protocols.scalars import CONVERTED, format_json_scalar, parse_json_scalar

Writer = Callable[[Any], Any]


def load_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds; an empty body is an empty object.

    Raises:
        MalformedRequestError: when it holds anything else.
    """
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequestError(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedRequestError("the body is not a JSON object")
    return value


def parse_value(shape: Shape, value: Any) -> Any:
    """Return a JSON value with its timestamps and blobs converted, nulls and unknown members left out."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return value if shape.is_document_type else _parse_structure(shape, value)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [parse_value(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: parse_value(shape.value, item) for key, item in value.items() if item is not None}
    return parse_json_scalar(shape, value)


def _parse_structure(shape: StructureShape, value: dict[str, Any]) -> dict[str, Any]:
    parsed = {}
    for name, member in shape.members.items():
        item = value.get(member.serialization.get("name", name))
        if item is not None:
            parsed[name] = parse_value(member, item)
    return parsed


def dump_object(shape: Shape | None, value: dict[str, Any]) -> bytes:
    """Return the JSON of a result."""
    return b"{}" if shape is None else orjson.dumps(format_value(shape, value), option=orjson.OPT_NON_STR_KEYS)


def format_value(shape: Shape, value: Any) -> Any:
    """Return a value as JSON has it, absent members left out."""
    write = _writer_of(shape)
    return value if write is None else write(value)


@cache
def _writer_of(shape: Shape) -> Writer | None:
    """Return what writes values of a shape; None: they are written as they are. Made once: answers are many."""
    if isinstance(shape, StructureShape):
        return None if shape.is_document_type else _make_structure_writer(shape)
    if isinstance(shape, ListShape):
        return lambda items: [format_value(shape.member, item) for item in items]
    if isinstance(shape, MapShape):
        return lambda items: {key: format_value(shape.value, item) for key, item in items.items()}
    return partial(format_json_scalar, shape) if shape.type_name in CONVERTED else None


def _make_structure_writer(shape: StructureShape) -> Writer:
    members: dict[str, tuple[str, Writer | None]] = {}

    def write(value: dict[str, Any]) -> dict[str, Any]:
        document = {}
        for name, item in value.items():
            if item is None:
                continue
            member = members.get(name)
            if member is None:  # made when it is met first: shapes may contain themselves
                wire_name = shape.members[name].serialization.get("name", name)
                member = members[name] = wire_name, _writer_of(shape.members[name])
            document[member[0]] = item if member[1] is None else member[1](item)
        return document

    return write
