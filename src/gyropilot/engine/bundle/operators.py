"""What graphs may consist of: the operators that ours are written with, and nothing else.

A graph from a stranger could loop for ever, call operators that a plug-in brings along, or read other files as its
constants. Whether one does is seen in its outermost messages, which are walked here without a library for them.
"""

from __future__ import annotations

from gyropilot.engine.bundle.messages import walk_contents

OPERATORS = {
    "": frozenset(
        {
            *("Add", "Cast", "Clip", "Concat", "Div", "Equal", "Expand", "Gather", "Greater", "Identity", "IsNaN"),
            *("Less", "MatMul", "Max", "Mul", "Pow", "ReduceSum", "Relu", "Reshape", "Selu", "Sigmoid", "Softmax"),
            *("Sqrt", "Sub", "Sum", "Where"),
        }
    ),
    "ai.onnx.ml": frozenset({"TreeEnsembleRegressor"}),
}
"""For each domain, the operators whose cost the sizes of their inputs tell. None has a graph of its own."""
MAX_NODES = 100_000

# Numbers of fields in onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_SPARSE = 1, 15
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_EXTERNAL = b"location"
"""The key under which a constant names the file that it lies in; none of our names holds it."""


def check_operators(content: bytes) -> None:
    """Refuse a graph that is not made of these operators, or of more than itself.

    Args:
        content: an ONNX model.

    Raises:
        ValueError: when it is not such a graph; the message says what it has.
    """
    if _EXTERNAL in content:
        raise ValueError("it has constants in other files")
    model, nodes = memoryview(content), 0
    for field, message in walk_contents(model):
        if field in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
            raise ValueError("it has functions of its own")
        for member, node in walk_contents(message) if field == _MODEL_GRAPH else ():
            if member == _GRAPH_SPARSE:
                raise ValueError("it has sparse constants")
            if member == _GRAPH_NODE:
                _check_node(node)
                nodes += 1
    if not 0 < nodes <= MAX_NODES:
        raise ValueError(f"it has {nodes} nodes, not 1 to {MAX_NODES}")


def _check_node(node: memoryview) -> None:
    words: dict[int, str] = {}
    for field, content in walk_contents(node):
        if field in (_NODE_OPERATOR, _NODE_DOMAIN):
            if field in words:
                raise ValueError("one of its nodes has two operators")
            words[field] = bytes(content).decode(errors="replace")
    operator, domain = words.get(_NODE_OPERATOR, ""), words.get(_NODE_DOMAIN, "")
    if operator not in OPERATORS.get(domain, ()):
        name = f"{domain}.{operator}" if domain else operator
        raise ValueError(f"it has the operator {name[:100]!r}, which no model of Gyropilot has")
