"""Takes the trees out of a graph: what `graph.py` wrote as operators is read as tables again, without a library for it.

What is not written exactly so, such as a graph of other origin, is left where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.circuit_layout import SymmetricTable, TreeTable, lay_out
from gyropilot.engine.bundle.circuits import Layout
from gyropilot.engine.bundle.messages import Field, walk, walk_contents, write_content, write_number

# Numbers of fields, and of types, in onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_CONSTANT, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER = 1, 3
_TENSOR_DIMENSION, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_FLOAT, _INT64 = 1, 7
_FLOATS_KEY, _INTS_KEY = 0x3D, 0x40
_ATTRIBUTE_TYPE = b"\xa0\x01"
_LIST_END = 3
"""A list ends with the attribute's type, of so many bytes."""
_LARGEST_VARINT = 5

INPUT = "features"
"""The graph's input: encoded rows (n, features)."""
_LEAF, _BRANCH = b"J\x04LEAF", b"J\nBRANCH_LEQ"
_SYMMETRIC: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("Gather", {"axis": 1}),
    ("Greater", {}),
    ("Cast", {"to": _FLOAT}),
    ("Reshape", {}),
    ("Mul", {}),
    ("ReduceSum", {"keepdims": 0}),
    ("Cast", {"to": _INT64}),
    ("Add", {}),
    ("Gather", {"axis": 0}),
    ("ReduceSum", {"keepdims": 0}),
    ("Add", {}),
)
"""The operators of symmetric trees, each of which takes what the one before gives."""


class _UnknownError(ValueError):
    """This is not what `graph.py` writes."""


@dataclass(frozen=True, kw_only=True)
class _Node:
    inputs: tuple[str, ...]
    output: str
    operator: str
    attributes: Mapping[str, memoryview]
    whole: memoryview

    def integer(self, name: str) -> int | None:
        """Return an attribute that is a whole number."""
        fields = walk(self.attributes[name]) if name in self.attributes else ()
        return next((field.value for field in fields if field.number == _ATTRIBUTE_INTEGER), None)


@dataclass(frozen=True, kw_only=True)
class DividedGraph:
    """A graph without its trees."""

    rest: bytes
    """An ONNX model whose further inputs are what the trees answer."""
    layouts: Mapping[str, Layout]
    """What answers each of these inputs."""


def divide_graph(content: bytes) -> DividedGraph | None:
    """Take the trees out of an ONNX model and lay them out as circuits; None: it has none that can be.

    Raises:
        ValueError: when it is no ONNX.
    """
    fields = list(walk(memoryview(content)))
    graphs = [field.content for field in fields if field.number == _MODEL_GRAPH and field.content is not None]
    if len(graphs) != 1:
        return None
    members = list(walk(graphs[0]))
    nodes = [_read_node(field) for field in members if field.number == _GRAPH_NODE]
    found = dict(_find_trees(nodes, _Constants(members), graphs[0]))
    if not found:
        return None
    gone = {node.output for _, chain in found.values() for node in chain}
    kept = [node for node in nodes if node.output not in gone]
    used = {name for node in kept for name in node.inputs}
    parts = [
        *(bytes(node.whole) for node in kept),
        *(bytes(field.whole) for field in members if _is_kept(field, used)),
        *(write_content(_GRAPH_INPUT, _describe_input(name, len(layout.base))) for name, (layout, _) in found.items()),
    ]
    rest = b"".join(bytes(field.whole) for field in fields if field.number != _MODEL_GRAPH)
    return DividedGraph(
        rest=rest + write_content(_MODEL_GRAPH, b"".join(parts)),
        layouts={name: layout for name, (layout, _) in found.items()},
    )


def _is_kept(field: Field, used: set[str]) -> bool:
    if field.number == _GRAPH_CONSTANT and field.content is not None:
        return _name_of(field.content, _TENSOR_NAME) in used
    return field.number != _GRAPH_NODE


def _describe_input(name: str, outputs: int) -> bytes:
    """Return the ValueInfoProto of (rows, outputs) numbers."""
    shape = write_content(1, b"") + write_content(1, write_number(1, outputs))
    tensor = write_number(1, _FLOAT) + write_content(2, shape)
    return write_content(1, name.encode(errors="surrogateescape")) + write_content(2, write_content(1, tensor))


def _read_node(field: Field) -> _Node:
    assert field.content is not None, "nodes are messages"
    contents = list(walk_contents(field.content))
    outputs = [_text(content) for number, content in contents if number == _NODE_OUTPUT]
    return _Node(
        inputs=tuple(_text(content) for number, content in contents if number == _NODE_INPUT),
        output=outputs[0] if len(outputs) == 1 else "",
        operator=next((_text(content) for number, content in contents if number == _NODE_OPERATOR), ""),
        attributes={
            _name_of(content, _ATTRIBUTE_NAME): content for number, content in contents if number == _NODE_ATTRIBUTE
        },
        whole=field.whole,
    )


def _name_of(message: memoryview, number: int) -> str:
    return next((_text(content) for place, content in walk_contents(message) if place == number), "")


def _text(content: memoryview) -> str:
    return bytes(content).decode(errors="surrogateescape")


class _Constants:
    """The constants of a graph by name."""

    def __init__(self, members: Sequence[Field]) -> None:
        tensors = [field.content for field in members if field.number == _GRAPH_CONSTANT]
        self._tensors = {_name_of(tensor, _TENSOR_NAME): tensor for tensor in tensors if tensor is not None}

    def read(self, name: str) -> NDArray[Any]:
        """Return a constant.

        Raises:
            _UnknownError: when there is none of this name, or of another type than trees have.
        """
        fields = list(walk(self._tensors[name])) if name in self._tensors else []
        kind = next((field.value for field in fields if field.number == _TENSOR_TYPE), 0)
        raw = next((field.content for field in fields if field.number == _TENSOR_RAW), None)
        if raw is None or kind not in (_FLOAT, _INT64):
            raise _UnknownError
        shape = [field.value for field in fields if field.number == _TENSOR_DIMENSION]
        return np.frombuffer(raw, dtype="<f4" if kind == _FLOAT else "<i8").reshape(shape)


_Found = tuple[str, tuple[Layout, Sequence[_Node]]]


def _find_trees(nodes: Sequence[_Node], constants: _Constants, graph: memoryview) -> Iterator[_Found]:
    """Yield the name of what trees answer, the trees, and the operators that they are."""
    uses = Counter(name for node in nodes for name in node.inputs)
    outputs = {_name_of(content, 1) for number, content in walk_contents(graph) if number == _GRAPH_OUTPUT}
    for place, node in enumerate(nodes):
        try:
            if node.operator == "TreeEnsembleRegressor":
                chain: Sequence[_Node] = [node]
                table: TreeTable | SymmetricTable = _read_trees(node)
            elif node.operator == "Gather":
                chain = nodes[place : place + len(_SYMMETRIC)]
                table = _read_symmetric_trees(chain, constants)
            else:
                continue
        except ValueError:
            continue
        within = [each.output for each in chain[:-1]]
        is_alone = all(uses[name] == 1 and name not in outputs for name in within)
        is_fed = chain[0].inputs[:1] == (INPUT,) and chain[-1].output not in {"", *outputs}
        if is_alone and is_fed and (layout := lay_out(table)) is not None:
            yield chain[-1].output, (layout, chain)


def _read_trees(node: _Node) -> TreeTable:
    """Return what an operator of trees holds.

    Raises:
        _UnknownError: when it is not written as `graph.py` does.
    """
    tree, place, feature = (_read_ints(node, f"nodes_{name}") for name in ("treeids", "nodeids", "featureids"))
    left, right = (_read_ints(node, f"nodes_{name}nodeids") for name in ("true", "false"))
    threshold = _read_floats(node, "nodes_values")
    base = _read_floats(node, "base_values")
    root = np.flatnonzero(np.diff(tree, prepend=-1))
    first = np.repeat(root, np.diff([*root, len(tree)]))
    is_leaf = (left == 0) & (right == 0)
    modes = [_LEAF if each else _BRANCH for each in is_leaf.tolist()]
    _expect(
        len({len(array) for array in (tree, place, feature, left, right, threshold)}) == 1,
        len(tree) > 0 and len(base) > 0 and node.integer("n_targets") == len(base),
        np.array_equal(tree, np.cumsum(place == 0) - 1),
        np.array_equal(place, np.arange(len(tree)) - first),
        _rest_of(node, "nodes_modes")[:-_LIST_END] == b"".join(modes),
        np.array_equal(_read_ints(node, "nodes_missing_value_tracks_true"), ~is_leaf),
        _is_word(node, "aggregate_function", b"SUM") and _is_word(node, "post_transform", b"NONE"),
        not np.isnan(threshold).any(),
    )
    leaves = np.flatnonzero(is_leaf)
    target = _read_ints(node, "target_ids")
    value = _read_floats(node, "target_weights")
    _expect(len(target) == len(value), len(target) > 0 and len(target) % len(leaves) == 0)
    target, value = target.reshape(len(leaves), -1), value.reshape(len(leaves), -1)
    numbers = value.shape[1]
    values = np.zeros((len(tree), numbers), dtype=np.float32)
    values[leaves] = value
    output = target[np.searchsorted(leaves, root), 0]
    _expect(
        np.array_equal(target, output[tree[leaves]][:, None] + np.arange(numbers)),
        np.array_equal(_read_ints(node, "target_treeids"), np.repeat(tree[leaves], numbers)),
        np.array_equal(_read_ints(node, "target_nodeids"), np.repeat(place[leaves], numbers)),
        int(output.max()) + numbers <= len(base),
    )
    table = TreeTable(
        root=root,
        feature=np.where(is_leaf, -1, feature),
        threshold=threshold,
        left=np.where(is_leaf, 0, left + first),
        right=np.where(is_leaf, 0, right + first),
        value=values,
        output=output,
        base=base,
    )
    _expect(_are_trees(table))
    return table


def _are_trees(table: TreeTable) -> bool:
    """Tell whether each node but the roots lies below exactly one other, of the same tree."""
    asks = np.flatnonzero(table.feature >= 0)
    below = np.concatenate([table.left[asks], table.right[asks]])
    nodes = len(table.feature)
    if len(below) and int(below.max()) >= nodes:
        return False
    is_same = np.array_equal(table.tree[below], np.tile(table.tree[asks], 2))
    # Each has one parent then, and a circle would leave its nodes unreached.
    parents = np.bincount(below, minlength=nodes)
    is_once = int(parents.sum()) == nodes - len(table.root) and not parents[table.root].any() and parents.max() <= 1
    return bool(is_same and is_once) and len(table.root) + 2 * sum(map(len, table.levels)) == nodes


def _read_symmetric_trees(chain: Sequence[_Node], constants: _Constants) -> SymmetricTable:
    """Return the trees that a row of operators stands for.

    Raises:
        _UnknownError: when they are not written as `graph.py` does.
    """
    _expect([node.operator for node in chain] == [operator for operator, _ in _SYMMETRIC])
    for node, before, (_, attributes) in zip(chain[1:], chain, _SYMMETRIC[1:], strict=False):
        _expect(
            set(node.attributes) == set(attributes),
            all(node.integer(name) == value for name, value in attributes.items()),
            before.output in node.inputs,
        )
    _expect(chain[0].integer("axis") == 1)
    feature, threshold, shape, powers = (constants.read(chain[place].inputs[1]) for place in (0, 1, 3, 4))
    axes, first, table = (constants.read(name) for name in (chain[5].inputs[1], chain[7].inputs[1], chain[8].inputs[0]))
    last, base = constants.read(chain[9].inputs[1]), constants.read(chain[10].inputs[1])
    _expect(len(shape) == 3, feature.ndim == 1, table.ndim == 2, base.ndim == 1)
    depth, trees, leaves = int(shape[1]), int(shape[2]), len(table) // max(int(shape[2]), 1)
    _expect(
        feature.shape == threshold.shape == (depth * trees,),
        0 < depth <= SymmetricTable.MOST_LEVELS and leaves == 2**depth and len(table) == leaves * trees,
        np.array_equal(powers, 2.0 ** np.arange(depth)[:, None]),
        np.array_equal(first, leaves * np.arange(trees)),
        axes.tolist() == last.tolist() == [1],
        table.shape[1] == len(base),
        bool((feature >= 0).all()) and not np.isnan(threshold).any(),
    )
    return SymmetricTable(
        feature=feature.reshape(depth, trees).T,
        threshold=threshold.reshape(depth, trees).T,
        value=table.reshape(trees, leaves, -1),
        base=base,
    )


def _expect(*conditions: bool) -> None:
    if not all(conditions):
        raise _UnknownError


def _rest_of(node: _Node, name: str) -> memoryview:
    """Return what an attribute holds behind its name."""
    attribute = node.attributes.get(name, memoryview(b""))
    first = next(walk(attribute), None)
    if first is None or first.number != _ATTRIBUTE_NAME:
        raise _UnknownError
    return attribute[len(first.whole) :]


def _is_word(node: _Node, name: str, word: bytes) -> bool:
    return any(content == word for _, content in walk_contents(_rest_of(node, name)))


def _list_of(node: _Node, name: str) -> NDArray[np.uint8]:
    content = _rest_of(node, name)
    _expect(bytes(content[-_LIST_END:-1]) == _ATTRIBUTE_TYPE)
    return np.frombuffer(content[:-_LIST_END], dtype=np.uint8)


def _read_floats(node: _Node, name: str) -> NDArray[np.float32]:
    """Return an attribute's list of numbers, each with its key before it."""
    content = _list_of(node, name)
    _expect(len(content) % 5 == 0)
    entries = content.reshape(-1, 5)
    _expect(bool((entries[:, 0] == _FLOATS_KEY).all()))
    numbers: NDArray[np.float32] = np.ascontiguousarray(entries[:, 1:]).view("<f4")[:, 0].astype(np.float32)
    return numbers


def _read_ints(node: _Node, name: str) -> NDArray[np.intp]:
    """Return an attribute's list of whole numbers, not below 0, each with its key before it."""
    content = _list_of(node, name)
    end = np.flatnonzero(content < 0x80)
    _expect(len(content) == 0 or (len(end) % 2 == 0 and end[-1] == len(content) - 1))
    begin = np.concatenate([[0], end[:-1] + 1]).astype(np.intp)
    keys, begin, size = begin[0 : len(end) : 2], begin[1::2], np.diff(end, prepend=-1)[1::2]
    _expect(bool((content[keys] == _INTS_KEY).all()), len(size) == 0 or int(size.max()) <= _LARGEST_VARINT)
    numbers = np.zeros(len(size), dtype=np.intp)
    for place in range(int(size.max(initial=0))):
        has = size > place
        numbers[has] |= (content[begin[has] + place] & 0x7F).astype(np.intp) << 7 * place
    return numbers
