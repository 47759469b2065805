"""Reads the nodes and constants of an ONNX graph as it is written, without a library for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.messages import Field, walk, walk_contents

# Numbers of fields, and of types, in onnx.proto.
GRAPH_NODE, GRAPH_CONSTANT, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
FLOAT, INT64 = 1, 7
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER = 1, 3
_TENSOR_DIMENSION, _TENSOR_TYPE, TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_FLOATS_KEY, _INTS_KEY = 0x3D, 0x40
_ATTRIBUTE_TYPE = b"\xa0\x01"
LIST_END = 3
"""A list ends with the attribute's type, of so many bytes."""
_LARGEST_VARINT = 5


class UnknownError(ValueError):
    """This is not what `graph.py` writes."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """An operator of a graph."""

    inputs: tuple[str, ...]
    output: str
    """The name of what it gives; empty when it gives several things."""
    operator: str
    attributes: Mapping[str, memoryview]
    """Its attributes' messages by name."""
    whole: memoryview
    """The field of the graph that it is."""

    def integer(self, name: str) -> int | None:
        """Return an attribute that is a whole number."""
        fields = walk(self.attributes[name]) if name in self.attributes else ()
        return next((field.value for field in fields if field.number == _ATTRIBUTE_INTEGER), None)


def read_node(field: Field) -> Node:
    """Return the operator that a field of a graph holds."""
    assert field.content is not None, "nodes are messages"
    contents = list(walk_contents(field.content))
    outputs = [_text(content) for number, content in contents if number == _NODE_OUTPUT]
    return Node(
        inputs=tuple(_text(content) for number, content in contents if number == _NODE_INPUT),
        output=outputs[0] if len(outputs) == 1 else "",
        operator=next((_text(content) for number, content in contents if number == _NODE_OPERATOR), ""),
        attributes={
            name_of(content, _ATTRIBUTE_NAME): content for number, content in contents if number == _NODE_ATTRIBUTE
        },
        whole=field.whole,
    )


def name_of(message: memoryview, number: int) -> str:
    """Return the name that the field of this number holds; empty when there is none."""
    return next((_text(content) for place, content in walk_contents(message) if place == number), "")


def _text(content: memoryview) -> str:
    return bytes(content).decode(errors="surrogateescape")


class Constants:
    """The constants of a graph by name."""

    def __init__(self, members: Sequence[Field]) -> None:
        tensors = [field.content for field in members if field.number == GRAPH_CONSTANT]
        self._tensors = {name_of(tensor, TENSOR_NAME): tensor for tensor in tensors if tensor is not None}

    def read(self, name: str) -> NDArray[Any]:
        """Return a constant.

        Raises:
            UnknownError: when there is none of this name, or of another type than trees have.
        """
        fields = list(walk(self._tensors[name])) if name in self._tensors else []
        kind = next((field.value for field in fields if field.number == _TENSOR_TYPE), 0)
        raw = next((field.content for field in fields if field.number == _TENSOR_RAW), None)
        if raw is None or kind not in (FLOAT, INT64):
            raise UnknownError
        shape = [field.value for field in fields if field.number == _TENSOR_DIMENSION]
        return np.frombuffer(raw, dtype="<f4" if kind == FLOAT else "<i8").reshape(shape)


def expect(*conditions: bool) -> None:
    """Raise an `UnknownError` unless all of this is so."""
    if not all(conditions):
        raise UnknownError


def rest_of(node: Node, name: str) -> memoryview:
    """Return what an attribute holds behind its name."""
    attribute = node.attributes.get(name, memoryview(b""))
    first = next(walk(attribute), None)
    if first is None or first.number != _ATTRIBUTE_NAME:
        raise UnknownError
    return attribute[len(first.whole) :]


def is_word(node: Node, name: str, word: bytes) -> bool:
    """Tell whether an attribute is this word."""
    return any(content == word for _, content in walk_contents(rest_of(node, name)))


def _list_of(node: Node, name: str) -> NDArray[np.uint8]:
    content = rest_of(node, name)
    expect(bytes(content[-LIST_END:-1]) == _ATTRIBUTE_TYPE)
    return np.frombuffer(content[:-LIST_END], dtype=np.uint8)


def read_floats(node: Node, name: str) -> NDArray[np.float32]:
    """Return an attribute's list of numbers, each with its key before it."""
    content = _list_of(node, name)
    expect(len(content) % 5 == 0)
    entries = content.reshape(-1, 5)
    expect(bool((entries[:, 0] == _FLOATS_KEY).all()))
    numbers: NDArray[np.float32] = np.ascontiguousarray(entries[:, 1:]).view("<f4")[:, 0].astype(np.float32)
    return numbers


def read_ints(node: Node, name: str) -> NDArray[np.intp]:
    """Return an attribute's list of whole numbers, not below 0, each with its key before it."""
    content = _list_of(node, name)
    end = np.flatnonzero(content < 0x80)
    expect(len(content) == 0 or (len(end) % 2 == 0 and end[-1] == len(content) - 1))
    begin = np.concatenate([[0], end[:-1] + 1]).astype(np.intp)
    keys, begin, size = begin[0 : len(end) : 2], begin[1::2], np.diff(end, prepend=-1)[1::2]
    expect(bool((content[keys] == _INTS_KEY).all()), len(size) == 0 or int(size.max()) <= _LARGEST_VARINT)
    numbers = np.zeros(len(size), dtype=np.intp)
    for place in range(int(size.max(initial=0))):
        has = size > place
        numbers[has] |= (content[begin[has] + place] & 0x7F).astype(np.intp) << 7 * place
    return numbers
