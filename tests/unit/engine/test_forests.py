"""Forests give probabilities, which nothing turns into others on their way out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from gyropilot.engine.algorithms.forests.extra_trees import ExtraTrees
from gyropilot.engine.algorithms.forests.forest import LARGEST_GROUP, ROWS_PER_TREE, SHARE_OF_PRIOR, find_group
from gyropilot.engine.algorithms.forests.random_forest import RandomForest
from gyropilot.engine.bundle.graph import Member, build_graph
from gyropilot.engine.contracts import Link
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import make_data

FORESTS = (ExtraTrees(), RandomForest())


@pytest.mark.parametrize("forest", FORESTS, ids=lambda forest: forest.name)
def test_class_that_no_training_row_has_gets_nothing(forest: ExtraTrees | RandomForest) -> None:
    data = make_data(ProblemType.MULTICLASS)
    target = data.target.copy()
    target[data.training_rows(0)] = np.minimum(target[data.training_rows(0)], 1)
    data = replace(data, target=target)
    fit = forest.begin(data, 0, forest.configurations(data.problem_type, 240)[0].parameters, 1)
    fit.advance(2, 60)
    predictions = fit.predict(2)
    assert (predictions[:, 2] == 0).all()
    np.testing.assert_allclose(predictions.sum(axis=1), 1)
    graph = build_graph([Member(parts=[fit.part(2)], weight=1.0, link=Link.IDENTITY)], data.problem_type, 5)
    given = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"features": data.features})[0]
    np.testing.assert_allclose(given[data.validation_rows(0)], predictions, atol=1e-6)


def test_no_probability_is_quite_sure() -> None:
    data = make_data(ProblemType.BINARY)
    forest = ExtraTrees()
    fit = forest.begin(data, 0, {"trees": 3, "trees_per_step": 3, "min_samples_leaf": 1}, 1)
    fit.advance(1, 60)
    learned = fit.score_rows(data.training_rows(0), 1)
    half = SHARE_OF_PRIOR / 2
    assert learned.min() == pytest.approx(half, rel=0.1)
    assert learned.max() == pytest.approx(1 - half, rel=0.1)


def test_long_tables_take_small_steps_and_samples() -> None:
    assert find_group(1) == LARGEST_GROUP
    assert find_group(1_000_000) == 1
    for forest in FORESTS:
        (entry,) = forest.configurations(ProblemType.BINARY, 10 * ROWS_PER_TREE)
        assert (entry.parameters["max_samples"], entry.parameters["trees_per_step"]) == (0.1, 1)
