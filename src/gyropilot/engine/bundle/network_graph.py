"""Writes networks as nodes of an ONNX graph: all folds of a candidate as one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from gyropilot.engine.bundle.nodes import Nodes
from gyropilot.engine.contracts import Network

FARTHEST = 1e4
"""Scaled amounts are clipped here first, so that their squares are finite."""


def add_networks(graph: Nodes, parts: Sequence[Network], share: float) -> str:
    """Add the sum of networks of one design, each times a share, and return the name of the scores (n, outputs)."""
    layers = list(zip(*(part.weights for part in parts), strict=True))
    biases = list(zip(*(part.biases for part in parts), strict=True))
    outputs = _add_inputs(graph, parts)
    for number, (weights, bias) in enumerate(zip(layers, biases, strict=True)):
        is_last = number == len(layers) - 1
        factor = np.float32(share) if is_last else np.float32(1)
        product = graph.add("MatMul", [outputs, graph.constant(np.stack(weights) * factor, "weights")])
        outputs = graph.add("Add", [product, graph.constant(np.stack(bias)[:, None] * factor, "bias")])
        if not is_last:
            outputs = _activate(graph, outputs, parts[0].activation)
    axes = graph.constant(np.array([0], dtype=np.int64), "axes")
    return graph.add("ReduceSum", [outputs, axes], keepdims=0)


def _add_inputs(graph: Nodes, parts: Sequence[Network]) -> str:
    """Add what the first layers see: (n, inputs), or (parts, n, inputs) with embeddings, which are the parts' own."""
    first = parts[0]
    blocks = []
    if len(first.numeric):
        blocks.append(_add_amounts(graph, first))
    if len(first.binned):
        share = _scale(graph, graph.pick(first.binned), first.start, first.width)
        blocks.append(_clip(graph, share, 0, 1))
    if len(first.marked):
        missing = graph.add("IsNaN", [graph.pick(first.marked)])
        blocks.append(graph.add("Cast", [missing], to=TensorProto.FLOAT))
    numbers = graph.add("Concat", blocks, axis=1) if len(blocks) > 1 else "".join(blocks)
    if not len(first.category):
        return numbers
    embedded = _add_embeddings(graph, parts)
    if not numbers:
        return embedded
    copies = graph.constant(np.array([len(parts), 1, 1], dtype=np.int64), "copies")
    return graph.add("Concat", [graph.add("Expand", [numbers, copies]), embedded], axis=2)


def _add_amounts(graph: Nodes, part: Network) -> str:
    scaled = _clip(graph, _scale(graph, graph.pick(part.numeric), part.center, part.scale), -FARTHEST, FARTHEST)
    relative = graph.add("Div", [scaled, graph.constant(np.float32(part.limit))])
    square = graph.add("Mul", [relative, relative])
    bound = graph.add("Sqrt", [graph.add("Add", [square, graph.constant(np.float32(1))])])
    return graph.add("Div", [scaled, bound])


def _add_embeddings(graph: Nodes, parts: Sequence[Network]) -> str:
    """Add each row's entries in the parts' tables, side by side: (parts, n, columns x d)."""
    first = parts[0]
    begin = np.cumsum([0, *(first.levels + 2)])[:-1].astype(np.float32)
    codes = graph.pick(first.category)
    is_kept = graph.add("Less", [codes, graph.constant(first.levels.astype(np.float32))])
    kept = graph.add("Where", [is_kept, codes, graph.constant(np.float32(-1))])
    known = graph.add("Where", [graph.add("IsNaN", [codes]), graph.constant(np.float32(-2)), kept])
    entries = graph.add("Cast", [graph.add("Add", [known, graph.constant(begin + 2)])], to=TensorProto.INT64)
    tables = graph.constant(np.stack([part.embeddings for part in parts]), "embeddings")
    found = graph.add("Gather", [tables, entries], axis=1)
    shape = np.array([len(parts), -1, len(first.category) * first.embeddings.shape[1]], dtype=np.int64)
    return graph.add("Reshape", [found, graph.constant(shape, "shape")])


def _activate(graph: Nodes, numbers: str, activation: str) -> str:
    if activation == "silu":
        return graph.add("Mul", [numbers, graph.add("Sigmoid", [numbers])])
    return graph.add({"relu": "Relu", "selu": "Selu"}[activation], [numbers])


def _scale(graph: Nodes, numbers: str, center: NDArray[np.float32], scale: NDArray[np.float32]) -> str:
    """Add the scaling of numbers, of which missing ones become 0."""
    shifted = graph.add("Sub", [numbers, graph.constant(center)])
    scaled = graph.add("Div", [shifted, graph.constant(scale)])
    return graph.add("Where", [graph.add("IsNaN", [scaled]), graph.constant(np.float32(0)), scaled])


def _clip(graph: Nodes, numbers: str, low: float, high: float) -> str:
    return graph.add("Clip", [numbers, graph.constant(np.float32(low)), graph.constant(np.float32(high))])
