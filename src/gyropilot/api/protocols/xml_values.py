"""Documents as XML, for the `query` answers and for `rest-xml`."""

from __future__ import annotations

import re
from typing import Any, NoReturn
from xml.etree import ElementTree  # read through `parse_xml` only, which refuses document types
from xml.etree.ElementTree import Element, SubElement

from botocore.model import ListShape, MapShape, Shape, StructureShape

from gyropilot.api.protocols.contracts import MalformedRequestError
from gyropilot.api.protocols.scalars import format_text, parse_text

TIMESTAMP_FORMAT = "iso8601"

_NOT_IN_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class _Builder(ElementTree.TreeBuilder):
    """Builds a tree and refuses document types: without them there are no entities to blow up."""

    def doctype(self, *_: str) -> NoReturn:
        raise MalformedRequestError("a document type is not allowed")


def parse_xml(body: bytes) -> Element:
    """Return the root element.

    Raises:
        MalformedRequestError: when the body is not well-formed XML, or has a document type.
    """
    parser = ElementTree.XMLParser(target=_Builder(), encoding="utf-8")  # noqa: S314  # _Builder refuses entities
    try:
        parser.feed(body)
        return parser.close()
    except ElementTree.ParseError as error:
        raise MalformedRequestError(f"the body is not well-formed XML: {error}") from None


def dump_xml(root: Element) -> bytes:
    """Return an element as a document; characters that XML cannot hold are replaced."""
    text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", ElementTree.tostring(root, encoding="unicode"))
    text = text.replace("\r", "&#13;")  # parsers turn a bare carriage return into a line feed
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}".encode()


def parse_element(shape: Shape, element: Element) -> Any:
    """Return the value that an element holds."""
    if isinstance(shape, StructureShape):
        return _parse_structure(shape, element)
    if isinstance(shape, ListShape):
        return [parse_element(shape.member, child) for child in element]
    if isinstance(shape, MapShape):
        return dict(_parse_entry(shape, entry) for entry in element)
    return parse_text(shape, element.text or "")


def _parse_structure(shape: StructureShape, element: Element) -> dict[str, Any]:
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(_local_name(child.tag), []).append(child)
    attributes = {_local_name(name): value for name, value in element.attrib.items()}
    parsed: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            if (attribute := wire_name.rpartition(":")[2]) in attributes:
                parsed[name] = attributes[attribute]
        elif found := children.get(element_name(member, wire_name)):
            parsed[name] = _parse_member(member, found)
    return parsed


def _parse_member(member: Shape, found: list[Element]) -> Any:
    if member.serialization.get("flattened"):
        if isinstance(member, ListShape):
            return [parse_element(member.member, item) for item in found]
        if isinstance(member, MapShape):
            return dict(_parse_entry(member, item) for item in found)
    return parse_element(member, found[0])


def _parse_entry(shape: MapShape, entry: Element) -> tuple[Any, Any]:
    parts = {_local_name(part.tag): part for part in entry}
    try:
        key = parts[shape.key.serialization.get("name", "key")]
        value = parts[shape.value.serialization.get("name", "value")]
    except KeyError as missing:
        raise MalformedRequestError(f"a map's entry has no element {missing}") from None
    return parse_element(shape.key, key), parse_element(shape.value, value)


def element_name(member: Shape, wire_name: str) -> str:
    """Return the name of the elements of a member: a flattened list may take its items' name."""
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", wire_name))
    return wire_name


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]


def append_members(parent: Element, shape: StructureShape, value: dict[str, Any]) -> None:
    """Write the members of a structure into an element, except those whose place is outside the body."""
    _declare_namespace(parent, shape)
    for name, item in value.items():
        member = shape.members[name]
        if item is None or "location" in member.serialization:
            continue
        wire_name = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            parent.set(wire_name, str(item))
        else:
            append_value(parent, member, item, element_name(member, wire_name))


def append_value(parent: Element, shape: Shape, value: Any, name: str) -> None:
    """Write one value under an element."""
    if isinstance(shape, StructureShape):
        append_members(SubElement(parent, name), shape, value)
    elif isinstance(shape, ListShape):
        _append_list(parent, shape, value, name)
    elif isinstance(shape, MapShape):
        _append_map(parent, shape, value, name)
    else:
        SubElement(parent, name).text = format_text(shape, value, TIMESTAMP_FORMAT)


def _append_list(parent: Element, shape: ListShape, value: list[Any], name: str) -> None:
    flattened = shape.serialization.get("flattened")
    home = parent if flattened else SubElement(parent, name)
    item_name = name if flattened else shape.member.serialization.get("name", "member")
    for item in value:
        append_value(home, shape.member, item, item_name)


def _append_map(parent: Element, shape: MapShape, value: dict[str, Any], name: str) -> None:
    flattened = shape.serialization.get("flattened")
    home = parent if flattened else SubElement(parent, name)
    for key, item in value.items():
        entry = SubElement(home, name if flattened else "entry")
        append_value(entry, shape.key, key, shape.key.serialization.get("name", "key"))
        append_value(entry, shape.value, item, shape.value.serialization.get("name", "value"))


def _declare_namespace(element: Element, shape: Shape) -> None:
    namespace = shape.serialization.get("xmlNamespace")
    if isinstance(namespace, dict) and namespace.get("prefix"):
        element.set(f"xmlns:{namespace['prefix']}", namespace["uri"])
