"""The `query` protocol: sts and iam. Forms in, XML out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement  # builds, never parses

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from gyropilot.api.protocols.contracts import Document, MalformedRequestError, WireError
from gyropilot.api.protocols.scalars import parse_text
from gyropilot.api.protocols.xml_values import append_members, dump_xml
from gyropilot.api.wire import WireRequest, WireResponse

MAX_FIELDS = 10_000
"""More fields than any operation's lists can hold."""


def read_form(request: WireRequest) -> dict[str, str]:
    """Return the fields of a form, sent as the body or in the query string.

    Raises:
        MalformedRequestError: when it is not a form of UTF-8 text.
    """
    try:
        text = request.read_body().decode() or request.query
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise MalformedRequestError(f"the body is not a form: {error}") from None


class QueryProtocol:
    """A form whose `Action` names the operation and whose dotted field names spell the document."""

    def read(self, operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
        """Return the parameters."""
        del labels  # the whole document is in the form
        if operation.input_shape is None:
            return {}
        return _Form(read_form(request)).parse_structure(operation.input_shape, "")

    def write(self, operation: OperationModel, result: Document, request_id: str) -> WireResponse:
        """Return the answer with this result."""
        root = Element(f"{operation.name}Response", {"xmlns": operation.metadata["xmlNamespace"]})
        shape = operation.output_shape
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper")
            append_members(SubElement(root, wrapper) if wrapper else root, shape, result)
        SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
        return WireResponse(status=200, headers=_headers(request_id), body=dump_xml(root))

    def write_error(self, error: WireError, request_id: str) -> WireResponse:
        """Return the answer with this error."""
        root = Element("ErrorResponse")
        details = SubElement(root, "Error")
        SubElement(details, "Type").text = "Receiver" if error.is_fault else "Sender"
        SubElement(details, "Code").text = error.code
        SubElement(details, "Message").text = error.message
        SubElement(root, "RequestId").text = request_id
        return WireResponse(status=error.status, headers=_headers(request_id), body=dump_xml(root))


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}


class _Form:
    """The fields of a form as a tree: `A.member.1.B` lies under `A`, `A.member` and `A.member.1`."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self._places = {
            ".".join(parts[: count + 1])
            for parts in (name.split(".") for name in fields)
            for count in range(len(parts))
        }

    def parse_structure(self, shape: StructureShape, place: str) -> dict[str, Any]:
        parsed = {}
        for name, member in shape.members.items():
            step = member.serialization.get("name", name)
            here = f"{place}.{step}" if place else step
            if self._is_given(member, here):
                parsed[name] = self._parse(member, here)
        return parsed

    def _is_given(self, shape: Shape, place: str) -> bool:
        return place in self._places or (
            isinstance(shape, ListShape) and f"{_item_place(shape, place)}.1" in self._places
        )

    def _parse(self, shape: Shape, place: str) -> Any:
        if isinstance(shape, StructureShape):
            return self.parse_structure(shape, place)
        if isinstance(shape, ListShape):
            return [self._parse(shape.member, item) for item in self._items(_item_place(shape, place))]
        if isinstance(shape, MapShape):
            return dict(self._parse_entry(shape, entry) for entry in self._items(_entry_place(shape, place)))
        if place not in self._fields:
            raise MalformedRequestError(f"'{place}' is not a single value")
        return parse_text(shape, self._fields[place])

    def _parse_entry(self, shape: MapShape, entry: str) -> tuple[Any, Any]:
        key = self._parse(shape.key, f"{entry}.{shape.key.serialization.get('name', 'key')}")
        return key, self._parse(shape.value, f"{entry}.{shape.value.serialization.get('name', 'value')}")

    def _items(self, place: str) -> list[str]:
        items: list[str] = []
        while (item := f"{place}.{len(items) + 1}") in self._places:
            items.append(item)
        return items


def _item_place(shape: ListShape, place: str) -> str:
    name = shape.member.serialization.get("name")
    if not shape.serialization.get("flattened"):
        return f"{place}.{name or 'member'}"
    return ".".join([*place.split(".")[:-1], name]) if name else place


def _entry_place(shape: MapShape, place: str) -> str:
    return place if shape.serialization.get("flattened") else f"{place}.entry"
