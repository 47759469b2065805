"""What both REST protocols share: members that travel in the path, the query string, headers and the status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from gyropilot.api.protocols.contracts import Document
from gyropilot.api.protocols.scalars import format_text, parse_text
from gyropilot.api.wire import WireRequest

HEADER_TIMESTAMP_FORMAT = "rfc822"

_HEADER_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')
"""One item of a header's list: quoted when it holds a comma or a quote."""


def parse_query(query: str) -> dict[str, list[str]]:
    """Return the values of a query string by name; a plus sign is a plus sign, as the signatures have it."""
    values: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        values.setdefault(unquote(name), []).append(unquote(value))
    return values


def read_locations(operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
    """Return the parameters that do not travel in the body."""
    shape = operation.input_shape
    if shape is None:
        return {}
    query = parse_query(request.query)
    parsed: Document = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri" and wire_name in labels:
            parsed[name] = parse_text(member, labels[wire_name])
        elif location == "querystring" and wire_name in query:
            parsed[name] = _parse_query_values(member, query[wire_name])
        elif location == "header" and wire_name.lower() in request.headers:
            parsed[name] = _parse_header(member, request.headers[wire_name.lower()])
        elif location == "headers" and (found := _read_header_map(wire_name.lower(), request.headers)):
            parsed[name] = found
    return parsed


def _parse_query_values(member: Shape, values: list[str]) -> Any:
    if isinstance(member, ListShape):
        return [parse_text(member.member, value) for value in values]
    return parse_text(member, values[0])


def _parse_header(member: Shape, text: str) -> Any:
    if isinstance(member, ListShape):
        return [parse_text(member.member, item) for item in _split_header(text)]
    return parse_text(member, text)


def _split_header(text: str) -> list[str]:
    items: list[str] = []
    position = 0
    while position < len(text):
        match = _HEADER_ITEM.match(text, position)
        if match is None:  # an unclosed quote: the rest is one item
            return [*items, text[position:].strip()]
        quoted, plain = match.groups()
        items.append(quoted.replace('\\"', '"') if quoted is not None else plain.strip())
        position = match.end()
    return items


def _read_header_map(prefix: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}


def payload_member(shape: StructureShape | None) -> tuple[str, Shape] | None:
    """Return the member that is the whole body, or None when the body is a document of several members."""
    if shape is None or "payload" not in shape.serialization:
        return None
    name = cast("str", shape.serialization["payload"])
    return name, shape.members[name]


def is_streamed(operation: OperationModel) -> bool:
    """Tell whether the request's body is content that the operation reads piece by piece."""
    payload = payload_member(operation.input_shape)
    return payload is not None and bool(payload[1].serialization.get("streaming"))


def read_raw_payload(member: Shape, request: WireRequest) -> Any:
    """Return a body that is no document: text, bytes, or the open body itself when the model calls it a stream."""
    if member.serialization.get("streaming"):
        return request.body
    body = request.read_body()
    return body.decode() if member.type_name == "string" else body


def has_body_members(shape: StructureShape) -> bool:
    """Tell whether any member travels in the body."""
    return any("location" not in member.serialization for member in shape.members.values())


def write_locations(operation: OperationModel, result: Document) -> tuple[int, dict[str, str]]:
    """Return the status and the headers that a result prescribes."""
    status = int(operation.http.get("responseCode", 200))
    headers: dict[str, str] = {}
    members: Mapping[str, Shape] = operation.output_shape.members if operation.output_shape else {}
    for name, value in result.items():
        if value is None:
            continue
        member = members[name]
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "statusCode":
            status = value
        elif location == "header":
            headers[wire_name] = _format_header(member, value)
        elif location == "headers":
            headers.update({f"{wire_name}{key}": text for key, text in value.items()})
    return status, headers


def _format_header(member: Shape, value: Any) -> str:
    if isinstance(member, ListShape):
        return ",".join(format_text(member.member, item, HEADER_TIMESTAMP_FORMAT) for item in value)
    return format_text(member, value, HEADER_TIMESTAMP_FORMAT)
