"""Takes the trees out of a graph: what `graph.py` wrote as operators is read as tables again, without a library for it.

What is not written exactly so, such as a graph of other origin, is left where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gyropilot.engine.bundle.circuit_layout import SymmetricTable, TreeTable, lay_out
from gyropilot.engine.bundle.circuits import Layout
from gyropilot.engine.bundle.messages import Field, walk, walk_contents, write_content, write_number
from gyropilot.engine.bundle.reading import (
    FLOAT,
    GRAPH_CONSTANT,
    GRAPH_INPUT,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    INT64,
    LIST_END,
    TENSOR_NAME,
    Constants,
    Node,
    expect,
    is_word,
    name_of,
    read_floats,
    read_ints,
    read_node,
    rest_of,
)

_MODEL_GRAPH = 7  # a field in onnx.proto

INPUT = "features"
"""The graph's input: encoded rows (n, features)."""
_LEAF, _BRANCH = b"J\x04LEAF", b"J\nBRANCH_LEQ"
_SYMMETRIC: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("Gather", {"axis": 1}),
    ("Greater", {}),
    ("Cast", {"to": FLOAT}),
    ("Reshape", {}),
    ("Mul", {}),
    ("ReduceSum", {"keepdims": 0}),
    ("Cast", {"to": INT64}),
    ("Add", {}),
    ("Gather", {"axis": 0}),
    ("ReduceSum", {"keepdims": 0}),
    ("Add", {}),
)
"""The operators of symmetric trees, each of which takes what the one before gives."""


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
    nodes = [read_node(field) for field in members if field.number == GRAPH_NODE]
    found = dict(_find_trees(nodes, Constants(members), graphs[0]))
    if not found:
        return None
    gone = {node.output for _, chain in found.values() for node in chain}
    kept = [node for node in nodes if node.output not in gone]
    used = {name for node in kept for name in node.inputs}
    parts = [
        *(bytes(node.whole) for node in kept),
        *(bytes(field.whole) for field in members if _is_kept(field, used)),
        *(write_content(GRAPH_INPUT, _describe_input(name, len(layout.base))) for name, (layout, _) in found.items()),
    ]
    rest = b"".join(bytes(field.whole) for field in fields if field.number != _MODEL_GRAPH)
    return DividedGraph(
        rest=rest + write_content(_MODEL_GRAPH, b"".join(parts)),
        layouts={name: layout for name, (layout, _) in found.items()},
    )


def _is_kept(field: Field, used: set[str]) -> bool:
    if field.number == GRAPH_CONSTANT and field.content is not None:
        return name_of(field.content, TENSOR_NAME) in used
    return field.number != GRAPH_NODE


def _describe_input(name: str, outputs: int) -> bytes:
    """Return the ValueInfoProto of (rows, outputs) numbers."""
    shape = write_content(1, b"") + write_content(1, write_number(1, outputs))
    tensor = write_number(1, FLOAT) + write_content(2, shape)
    return write_content(1, name.encode(errors="surrogateescape")) + write_content(2, write_content(1, tensor))


_Found = tuple[str, tuple[Layout, Sequence[Node]]]


def _find_trees(nodes: Sequence[Node], constants: Constants, graph: memoryview) -> Iterator[_Found]:
    """Yield the name of what trees answer, the trees, and the operators that they are."""
    uses = Counter(name for node in nodes for name in node.inputs)
    outputs = {name_of(content, 1) for number, content in walk_contents(graph) if number == GRAPH_OUTPUT}
    for place, node in enumerate(nodes):
        try:
            if node.operator == "TreeEnsembleRegressor":
                chain: Sequence[Node] = [node]
                table: TreeTable | SymmetricTable = _read_trees(node)
            elif node.operator == "Gather":
                chain = nodes[place : place + len(_SYMMETRIC)]
                table = _read_symmetric_trees(chain, constants)
            else:
                continue
        except (ValueError, IndexError):
            continue  # lists of lengths that do not fit, and whatever else another program wrote
        within = [each.output for each in chain[:-1]]
        is_alone = all(uses[name] == 1 and name not in outputs for name in within)
        is_fed = chain[0].inputs[:1] == (INPUT,) and chain[-1].output not in {"", *outputs}
        if is_alone and is_fed and (layout := lay_out(table)) is not None:
            yield chain[-1].output, (layout, chain)


def _read_trees(node: Node) -> TreeTable:
    """Return what an operator of trees holds.

    Raises:
        UnknownError: when it is not written as `graph.py` does.
    """
    tree, place, feature = (read_ints(node, f"nodes_{name}") for name in ("treeids", "nodeids", "featureids"))
    left, right = (read_ints(node, f"nodes_{name}nodeids") for name in ("true", "false"))
    threshold = read_floats(node, "nodes_values")
    base = read_floats(node, "base_values")
    root = np.flatnonzero(np.diff(tree, prepend=-1))
    first = np.repeat(root, np.diff([*root, len(tree)]))
    is_leaf = (left == 0) & (right == 0)
    modes = [_LEAF if each else _BRANCH for each in is_leaf.tolist()]
    expect(
        len({len(array) for array in (tree, place, feature, left, right, threshold)}) == 1,
        len(tree) > 0 and len(base) > 0 and node.integer("n_targets") == len(base),
        np.array_equal(tree, np.cumsum(place == 0) - 1),
        np.array_equal(place, np.arange(len(tree)) - first),
        rest_of(node, "nodes_modes")[:-LIST_END] == b"".join(modes),
        np.array_equal(read_ints(node, "nodes_missing_value_tracks_true"), ~is_leaf),
        is_word(node, "aggregate_function", b"SUM") and is_word(node, "post_transform", b"NONE"),
        not np.isnan(threshold).any(),
    )
    leaves = np.flatnonzero(is_leaf)
    target = read_ints(node, "target_ids")
    value = read_floats(node, "target_weights")
    expect(len(target) == len(value), len(target) > 0 and len(target) % len(leaves) == 0)
    target, value = target.reshape(len(leaves), -1), value.reshape(len(leaves), -1)
    numbers = value.shape[1]
    values = np.zeros((len(tree), numbers), dtype=np.float32)
    values[leaves] = value
    output = target[np.searchsorted(leaves, root), 0]
    expect(
        np.array_equal(target, output[tree[leaves]][:, None] + np.arange(numbers)),
        np.array_equal(read_ints(node, "target_treeids"), np.repeat(tree[leaves], numbers)),
        np.array_equal(read_ints(node, "target_nodeids"), np.repeat(place[leaves], numbers)),
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
    expect(_are_trees(table))
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


def _read_symmetric_trees(chain: Sequence[Node], constants: Constants) -> SymmetricTable:
    """Return the trees that a row of operators stands for.

    Raises:
        UnknownError: when they are not written as `graph.py` does.
    """
    expect([node.operator for node in chain] == [operator for operator, _ in _SYMMETRIC])
    for node, before, (_, attributes) in zip(chain[1:], chain, _SYMMETRIC[1:], strict=False):
        expect(
            set(node.attributes) == set(attributes),
            all(node.integer(name) == value for name, value in attributes.items()),
            before.output in node.inputs,
        )
    expect(chain[0].integer("axis") == 1)
    feature, threshold, shape, powers = (constants.read(chain[place].inputs[1]) for place in (0, 1, 3, 4))
    axes, first, table = (constants.read(name) for name in (chain[5].inputs[1], chain[7].inputs[1], chain[8].inputs[0]))
    last, base = constants.read(chain[9].inputs[1]), constants.read(chain[10].inputs[1])
    expect(len(shape) == 3, feature.ndim == 1, table.ndim == 2, base.ndim == 1)
    depth, trees, leaves = int(shape[1]), int(shape[2]), len(table) // max(int(shape[2]), 1)
    expect(
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
