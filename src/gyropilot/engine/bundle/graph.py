"""Writes trained parts as one ONNX graph: encoded numbers in, probabilities or amounts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from gyropilot.engine.bundle.network_graph import add_networks
from gyropilot.engine.bundle.nodes import INPUT, Nodes
from gyropilot.engine.contracts import Linear, Link, Network, Part, Trees
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
    linears = [part for part in parts if isinstance(part, Linear)]
    networks = [part for part in parts if isinstance(part, Network)]
    scores = []
    if trees:
        scores.append(_add_trees(graph, trees, share))
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
    positive = raw if is_linked else graph.add("Sigmoid", [raw])
    negative = graph.add("Sub", [graph.constant(np.float32(1)), positive])
    return graph.add("Concat", [negative, positive], axis=1)


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
        base_values=base.astype(np.float32).tolist(),
        nodes_treeids=tree_of_node.tolist(),
        nodes_nodeids=place.tolist(),
        nodes_featureids=np.where(is_leaf, 0, feature).tolist(),
        nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=np.concatenate([part.threshold for part in parts]).tolist(),
        nodes_truenodeids=np.where(is_leaf, 0, left).tolist(),
        nodes_falsenodeids=np.where(is_leaf, 0, right).tolist(),
        nodes_missing_value_tracks_true=np.where(is_leaf, 0, 1).tolist(),
        target_treeids=np.repeat(tree_of_node[is_leaf], len(numbers)).tolist(),
        target_nodeids=np.repeat(place[is_leaf], len(numbers)).tolist(),
        target_ids=(tree_output[tree_of_node[is_leaf], None] + numbers).ravel().tolist(),
        target_weights=value[is_leaf].ravel().astype(np.float32).tolist(),
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
