"""Writes trained parts as one ONNX graph: encoded numbers in, probabilities or amounts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from gyropilot.engine.bundle.network_graph import add_networks
from gyropilot.engine.bundle.nodes import Nodes
from gyropilot.engine.bundle.trees_in_graph import INPUT
from gyropilot.engine.contracts import Linear, Link, Network, Part, SymmetricTrees, Trees
from gyropilot.engine.metrics.calibration import SMALLEST
from gyropilot.engine.task import ProblemType

OUTPUT = "predictions"
OPSET, ML_OPSET, IR_VERSION = 17, 3, 9


@dataclass(frozen=True, kw_only=True)
class Member:
    """A candidate within a graph: its folds' parts, whose raw scores are averaged, and its weight."""

    parts: Sequence[Part]
    weight: float
    link: Link = Link.LOGIT


def build_graph(
    members: Sequence[Member], problem_type: ProblemType, features: int, *, exponent: float = 1.0
) -> onnx.ModelProto:
    """Return the graph of a weighted mean of candidates.

    Args:
        members: the candidates; their weights sum to 1.
        problem_type: decides how raw scores become predictions.
        features: columns of the input.
        exponent: the power that probabilities are raised to, for calibration.

    Returns:
        A model with one input `features` (n, features) and one output `predictions`: (n, classes) probabilities, or
        (n, 1) amounts.
    """
    graph = Nodes()
    weighted = []
    for member in members:
        predictions = _add_link(graph, _raw_scores(graph, member.parts), problem_type, member.link)
        if member.weight != 1:
            predictions = graph.add("Mul", [predictions, graph.constant(np.float32(member.weight))])
        weighted.append(predictions)
    total = graph.add("Sum", weighted)
    if exponent != 1:
        total = _add_power(graph, total, exponent)
    graph.nodes.append(helper.make_node("Identity", [total], [OUTPUT], name=OUTPUT))
    inputs = [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, features])]
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, None])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "gyropilot", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        producer_name="gyropilot",
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _raw_scores(graph: Nodes, parts: Sequence[Part]) -> str:
    """Add the parts of one candidate and return the name of their mean raw scores."""
    share = 1 / len(parts)
    trees = [part for part in parts if isinstance(part, Trees)]
    symmetric = [part for part in parts if isinstance(part, SymmetricTrees)]
    linears = [part for part in parts if isinstance(part, Linear)]
    networks = [part for part in parts if isinstance(part, Network)]
    scores = []
    if trees:
        scores.append(_add_trees(graph, trees, share))
    if symmetric:
        scores.append(_add_symmetric_trees(graph, symmetric, share))
    if linears:
        scores.append(_add_linear(graph, linears, share))
    if networks:
        scores.append(add_networks(graph, networks, share))
    return scores[0] if len(scores) == 1 else graph.add("Sum", scores)


def _add_link(graph: Nodes, raw: str, problem_type: ProblemType, link: Link) -> str:
    is_linked = link is Link.IDENTITY
    if problem_type is ProblemType.REGRESSION:
        return raw
    if problem_type is ProblemType.MULTICLASS:
        return raw if is_linked else graph.add("Softmax", [raw], axis=1)
    if not is_linked:
        # Both probabilities keep their digits so, however small one is: a power of it would show what is missing.
        halves = graph.constant(np.array([[-0.5, 0.5]], dtype=np.float32), "halves")
        return graph.add("Softmax", [graph.add("Mul", [raw, halves])], axis=1)
    negative = graph.add("Sub", [graph.constant(np.float32(1)), raw])
    return graph.add("Concat", [negative, raw], axis=1)


def _add_power(graph: Nodes, probabilities: str, exponent: float) -> str:
    positive = graph.add("Max", [probabilities, graph.constant(np.float32(SMALLEST))])
    powers = graph.add("Pow", [positive, graph.constant(np.float32(exponent))])
    total = graph.add("ReduceSum", [powers, graph.constant(np.array([1], dtype=np.int64), "axes")], keepdims=1)
    return graph.add("Div", [powers, total])


def _add_trees(graph: Nodes, parts: Sequence[Trees], share: float) -> str:
    """Add all trees of all folds as one operator."""
    outputs = len(parts[0].base)
    feature = np.concatenate([part.feature for part in parts])
    sizes = np.array([len(part.feature) for part in parts])
    tree_sizes = np.concatenate([np.diff([*part.root, len(part.feature)]) for part in parts])
    tree_of_node = np.repeat(np.arange(len(tree_sizes)), tree_sizes)
    first_of_tree = np.concatenate([[0], np.cumsum(tree_sizes)[:-1]])
    place = np.arange(len(feature)) - first_of_tree[tree_of_node]
    shift = np.repeat(np.cumsum(sizes) - sizes, sizes) - first_of_tree[tree_of_node]
    left = np.concatenate([part.left for part in parts]) + shift
    right = np.concatenate([part.right for part in parts]) + shift
    is_leaf = feature < 0
    numbers = np.arange(parts[0].value.shape[1])
    tree_output = np.concatenate([part.output for part in parts])
    value = np.concatenate([part.value for part in parts]).astype(np.float64) * share
    base = np.sum([part.base for part in parts], axis=0) * share
    return graph.add(
        "TreeEnsembleRegressor",
        [INPUT],
        domain="ai.onnx.ml",
        n_targets=outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=base.astype(np.float32),
        nodes_treeids=tree_of_node,
        nodes_nodeids=place,
        nodes_featureids=np.where(is_leaf, 0, feature),
        nodes_modes=np.where(is_leaf, b"LEAF", b"BRANCH_LEQ"),
        nodes_values=np.concatenate([part.threshold for part in parts]),
        nodes_truenodeids=np.where(is_leaf, 0, left),
        nodes_falsenodeids=np.where(is_leaf, 0, right),
        nodes_missing_value_tracks_true=np.where(is_leaf, 0, 1),
        target_treeids=np.repeat(tree_of_node[is_leaf], len(numbers)),
        target_nodeids=np.repeat(place[is_leaf], len(numbers)),
        target_ids=(tree_output[tree_of_node[is_leaf], None] + numbers).ravel(),
        target_weights=value[is_leaf].ravel().astype(np.float32),
    )


def _add_symmetric_trees(graph: Nodes, parts: Sequence[SymmetricTrees], share: float) -> str:
    """Add all trees of all folds as matrices: each tree's answers, read as a number, say where its leaf is.

    Tree after tree, as ONNX's own operator goes, thousands of them wait for memory most of the time.
    """
    depth = max(part.feature.shape[1] for part in parts)
    feature = np.concatenate([_pad(part.feature, depth, 0) for part in parts])
    threshold = np.concatenate([_pad(part.threshold, depth, np.inf) for part in parts])
    value = np.concatenate([_pad(part.value, 2**depth, 0) for part in parts]) * np.float32(share)
    trees, leaves, outputs = value.shape
    base = graph.constant((np.sum([part.base for part in parts], axis=0) * share).astype(np.float32), "base")
    # Level by level: what belongs together then lies side by side for all trees.
    asked = graph.pick(feature.T.ravel())
    answers = graph.add("Greater", [asked, graph.constant(threshold.T.ravel(), "thresholds")])
    shape = graph.constant(np.array([-1, depth, trees], dtype=np.int64), "shape")
    bits = graph.add("Reshape", [graph.add("Cast", [answers], to=TensorProto.FLOAT), shape])
    powers = graph.constant((2.0 ** np.arange(depth)).astype(np.float32)[:, None], "powers")
    axes = graph.constant(np.array([1], dtype=np.int64), "axes")
    number = graph.add("ReduceSum", [graph.add("Mul", [bits, powers]), axes], keepdims=0)
    leaf = graph.add("Cast", [number], to=TensorProto.INT64)
    first = graph.constant(leaves * np.arange(trees, dtype=np.int64), "firsts")
    table = graph.constant(value.reshape(-1, outputs), "leaves")
    found = graph.add("Gather", [table, graph.add("Add", [leaf, first])], axis=0)
    return graph.add("Add", [graph.add("ReduceSum", [found, axes], keepdims=0), base])


def _pad(array: NDArray[Any], size: int, filling: float) -> NDArray[Any]:
    """Return an array whose second axis is so long, by adding at its end."""
    widths = [(0, 0), (0, size - array.shape[1]), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, widths, constant_values=filling)


def count_numbers(members: Sequence[Member]) -> int:
    """Return how many numbers a graph of these members keeps for a row at once, where they are many."""
    return max(
        (sum(part.feature.size for part in member.parts if isinstance(part, SymmetricTrees)) for member in members),
        default=0,
    )


def _add_linear(graph: Nodes, parts: Sequence[Linear], share: float) -> str:
    """Add the mean of linear models, which is a linear model: all folds share one design."""
    first = parts[0]
    weights = np.sum([part.weights for part in parts], axis=0) * share
    intercept = np.sum([part.intercept for part in parts], axis=0) * share
    blocks = []
    if len(first.numeric):
        blocks.append(_add_amounts(graph, first))
    if len(first.marked):
        picked = graph.pick(first.marked)
        blocks.append(graph.add("Cast", [graph.add("IsNaN", [picked])], to=TensorProto.FLOAT))
    if len(first.category):
        picked = graph.pick(first.category)
        same = graph.add("Equal", [picked, graph.constant(first.level.astype(np.float32))])
        blocks.append(graph.add("Cast", [same], to=TensorProto.FLOAT))
    matrix = blocks[0] if len(blocks) == 1 else graph.add("Concat", blocks, axis=1)
    product = graph.add("MatMul", [matrix, graph.constant(weights.astype(np.float32), "weights")])
    return graph.add("Add", [product, graph.constant(intercept.astype(np.float32), "intercept")])


def _add_amounts(graph: Nodes, part: Linear) -> str:
    picked = graph.pick(part.numeric)
    shifted = graph.add("Sub", [picked, graph.constant(part.center.astype(np.float32))])
    scaled = graph.add("Div", [shifted, graph.constant(part.scale.astype(np.float32))])
    known = graph.add("Where", [graph.add("IsNaN", [scaled]), graph.constant(np.float32(0)), scaled])
    low, high = graph.constant(np.float32(-part.limit)), graph.constant(np.float32(part.limit))
    return graph.add("Clip", [known, low, high])
