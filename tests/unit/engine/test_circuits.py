"""Many rows are predicted by circuits of bits: they answer what ONNX Runtime answers for one row after the other."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from gyropilot.engine.bundle import running
from gyropilot.engine.bundle.circuit_layout import CHUNK_CHOICES
from gyropilot.engine.bundle.graph import Member, build_graph
from gyropilot.engine.bundle.manifest import PREDICTOR
from gyropilot.engine.bundle.running import Graph, make_circuits, open_graph
from gyropilot.engine.bundle.trees_in_graph import divide_graph
from gyropilot.engine.contracts import Linear, Part, SymmetricTrees, Trees
from gyropilot.engine.task import ProblemType

COLUMNS = 6
BORDERS = np.array([-np.inf, -1.5, 0.0, 0.25, 1.0, np.inf], dtype=np.float32)
ROWS = 1_337
"""Two parts, neither of which is a multiple of 64."""


def grow(leaves: Sequence[int], random: np.random.Generator, *, numbers: int = 1, outputs: int = 1) -> Trees:
    """Return trees of so many leaves that were split anywhere."""
    nodes: list[tuple[int, float, int, int]] = []
    root = []
    for count in leaves:
        root.append(len(nodes))
        nodes.append((-1, 0.0, 0, 0))
        ends = [root[-1]]
        for _ in range(count - 1):
            end = ends.pop(int(random.integers(len(ends))))
            left = len(nodes)
            border = float(random.choice(BORDERS) if random.random() < 0.5 else random.normal())
            nodes[end] = (int(random.integers(COLUMNS)), border, left, left + 1)
            nodes += [(-1, 0.0, 0, 0)] * 2
            ends += [left, left + 1]
    feature, threshold, left_, right = (np.array(column) for column in zip(*nodes, strict=True))
    value = np.where(feature[:, None] < 0, random.normal(size=(len(nodes), numbers)), 0)
    return Trees(
        feature=feature.astype(np.int32),
        threshold=threshold.astype(np.float32),
        left=left_.astype(np.int32),
        right=right.astype(np.int32),
        value=value.astype(np.float32),
        root=np.array(root, dtype=np.int32),
        output=np.array([tree % (outputs - numbers + 1) for tree in range(len(root))], dtype=np.int32),
        base=random.normal(size=outputs),
    )


def grow_symmetric(trees: int, depth: int, outputs: int, random: np.random.Generator) -> SymmetricTrees:
    return SymmetricTrees(
        feature=random.integers(COLUMNS, size=(trees, depth)).astype(np.int32),
        threshold=random.choice(BORDERS, size=(trees, depth)),
        value=random.normal(size=(trees, 2**depth, outputs)).astype(np.float32),
        base=random.normal(size=outputs),
    )


def draw_rows(random: np.random.Generator, rows: int = ROWS) -> NDArray[np.float32]:
    """Return rows with missing numbers, and some that are equal to borders."""
    drawn = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    drawn = np.where(random.random(drawn.shape) < 0.2, random.choice(BORDERS[1:-1], size=drawn.shape), drawn)
    drawn[random.random(drawn.shape) < 0.2] = np.nan
    return drawn


def write(parts: Sequence[Sequence[Part]], kind: ProblemType, folder: Path) -> Path:
    """Write the graph of the mean of some candidates."""
    members = [Member(parts=each, weight=1 / len(parts)) for each in parts]
    folder.mkdir(exist_ok=True)
    (folder / PREDICTOR).write_bytes(build_graph(members, kind, COLUMNS).SerializeToString())
    return folder


def check_many_rows(folder: Path, features: NDArray[np.float32]) -> None:
    """Assert that circuits answer as the graph does row by row."""
    circuits = make_circuits((folder / PREDICTOR).read_bytes())
    assert circuits is not None
    graph = open_graph(folder)
    one_by_one = np.concatenate([graph.run(row[None]) for row in features])
    np.testing.assert_allclose(circuits.run(features), one_by_one, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(graph.run(features), one_by_one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "leaves",
    [[1], [2], [1, 2, 3, 1], [7] * 30, [31, 8, 1, 17, 32, 33], [128, 256, 257], [700, 5]],
    ids=lambda leaves: "-".join(map(str, leaves[:4])),
)
def test_trees_of_all_sizes(leaves: list[int], tmp_path: Path) -> None:
    random = np.random.default_rng(len(leaves))
    check_many_rows(write([[grow(leaves, random)]], ProblemType.REGRESSION, tmp_path / "model"), draw_rows(random))


def test_more_trees_than_are_answered_at_once(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    trees = grow([40] * 200, random)
    folder = write([[trees]], ProblemType.REGRESSION, tmp_path / "model")
    divided = divide_graph((folder / PREDICTOR).read_bytes())
    assert divided is not None
    (layout,) = divided.layouts.values()
    assert len(layout.chunks) > 1
    assert max(sum(len(choices.condition) for choices in chunk.choices) for chunk in layout.chunks) < 2 * CHUNK_CHOICES
    check_many_rows(folder, draw_rows(random))


@pytest.mark.parametrize("numbers", [1, 3])
def test_several_classes(numbers: int, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    trees = grow([9, 4, 1, 20, 300, 2, 6], random, numbers=numbers, outputs=3)
    check_many_rows(write([[trees, trees]], ProblemType.MULTICLASS, tmp_path / "model"), draw_rows(random))


@pytest.mark.parametrize(("depth", "outputs"), [(1, 1), (6, 1), (6, 3), (9, 1)])
def test_symmetric_trees(depth: int, outputs: int, tmp_path: Path) -> None:
    random = np.random.default_rng(depth)
    kind = ProblemType.MULTICLASS if outputs > 1 else ProblemType.BINARY
    trees = grow_symmetric(20, depth, outputs, random)
    check_many_rows(write([[trees]], kind, tmp_path / "model"), draw_rows(random))


def test_an_ensemble_of_everything(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    line = Linear(
        numeric=np.arange(2, dtype=np.int32),
        center=np.zeros(2, dtype=np.float32),
        scale=np.ones(2, dtype=np.float32),
        limit=5.0,
        marked=np.array([1], dtype=np.int32),
        category=np.array([5], dtype=np.int32),
        level=np.array([1.0], dtype=np.float32),
        weights=random.normal(size=(4, 1)),
        intercept=np.array([0.5]),
    )
    parts: list[list[Part]] = [
        [grow([31] * 5, random), grow([12] * 5, random)],
        [grow_symmetric(9, 4, 1, random)],
        [line],
    ]
    folder = write(parts, ProblemType.BINARY, tmp_path / "model")
    divided = divide_graph((folder / PREDICTOR).read_bytes())
    assert divided is not None
    assert len(divided.layouts) == 2
    check_many_rows(folder, draw_rows(random))


def test_a_tree_of_too_many_leaves_stays_in_the_graph(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    folder = write([[grow([65_537], random)]], ProblemType.REGRESSION, tmp_path / "model")
    assert make_circuits((folder / PREDICTOR).read_bytes()) is None


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("nodes_modes", b"BRANCH_LT"),
        ("nodes_missing_value_tracks_true", 0),
        ("nodes_truenodeids", 10_000),
        ("nodes_truenodeids", 1),
        ("nodes_featureids", None),
        ("target_ids", None),
        ("aggregate_function", b"MIN"),
        ("target_nodeids", 0),
    ],
)
def test_trees_of_other_origin_stay_in_the_graph(attribute: str, value: object) -> None:
    trees = grow([5, 6], np.random.default_rng(4))
    model = build_graph([Member(parts=[trees], weight=1.0)], ProblemType.REGRESSION, COLUMNS)
    (node,) = [node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor"]
    (found,) = [each for each in node.attribute if each.name == attribute]
    if isinstance(value, bytes) and found.s:
        found.s = value
    elif isinstance(value, bytes):
        found.strings[0] = value
    elif value is None:
        del found.ints[0]
    else:
        found.ints[5 if value == 1 else 0] = int(str(value))
    assert divide_graph(model.SerializeToString()) is None


def test_symmetric_trees_that_are_used_elsewhere_stay_in_the_graph() -> None:
    trees = grow_symmetric(3, 2, 1, np.random.default_rng(5))
    model = build_graph([Member(parts=[trees], weight=1.0)], ProblemType.REGRESSION, COLUMNS)
    assert divide_graph(model.SerializeToString()) is not None
    (product,) = [node for node in model.graph.node if node.op_type == "Mul"]
    model.graph.output.append(onnx.helper.make_tensor_value_info(product.output[0], onnx.TensorProto.FLOAT, None))
    assert divide_graph(model.SerializeToString()) is None


def test_circuits_are_made_when_they_are_worth_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then the folder that the model was unpacked to is gone."""
    random = np.random.default_rng(6)
    folder = write([[grow([31] * 10, random)]], ProblemType.REGRESSION, tmp_path / "model")
    features = draw_rows(random)
    monkeypatch.setattr(running, "BYTES_PER_ROW", (folder / PREDICTOR).stat().st_size // (2 * ROWS))
    graph = open_graph(folder)
    shutil.rmtree(folder)
    by_graph = graph.run(features)
    made = [graph._circuits._made]
    by_circuits = [graph.run(features) for _ in range(2)][-1]
    made.append(graph._circuits._made)
    assert [each is not None for each in made] == [False, True]
    np.testing.assert_allclose(by_circuits, by_graph, rtol=1e-5, atol=1e-6)


def test_many_threads_may_ask_at_once(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    folder = write([[grow([31] * 40, random)]], ProblemType.BINARY, tmp_path / "model")
    features = draw_rows(random, 600)
    graph: Graph = open_graph(folder)
    expected = np.concatenate([graph.run(row[None]) for row in features])
    with ThreadPoolExecutor(8) as threads:
        for answer in threads.map(graph.run, [features] * 32):
            np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6)
