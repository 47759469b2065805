"""Derived columns: found where they say something new, honest in training, the same in serving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.algorithms.views import begin_fit
from gyropilot.engine.contracts import DERIVED, HOLDOUT, PLAIN, SymmetricTrees, TrainingData, Trees
from gyropilot.engine.features.encoders import CategoricalEncoder, Cell, NumericEncoder
from gyropilot.engine.features.interactions import find_interactions
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.features.target_means import fit_target_means
from gyropilot.engine.problems.tabular.enrich import enrich
from gyropilot.engine.search.portfolio import plan_candidates
from gyropilot.engine.task import ProblemType

ROWS = 3000
RANDOM = np.random.default_rng(5)
AMOUNTS = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
CATEGORIES = RANDOM.integers(0, 8, ROWS).astype(np.float32)
FOLDS: NDArray[np.uint8] = (np.arange(ROWS) % 5).astype(np.uint8)
NAMES = ("a", "b", "c")
SCORED = range(ROWS - 500, ROWS)
LEVELS = tuple("stuvwxyz")


def make_data(target: np.ndarray, problem_type: ProblemType = ProblemType.REGRESSION) -> TrainingData:
    """Return a table of three amounts and a category; the last 500 rows are only scored."""
    features = np.concatenate([AMOUNTS, CATEGORIES[:, None]], axis=1)
    borders = fit_borders(features)
    folds = FOLDS.copy()
    folds[-500:] = HOLDOUT
    return TrainingData(
        problem_type=problem_type,
        class_count=0 if problem_type is ProblemType.REGRESSION else int(target.max()) + 1,
        features=features,
        codes=quantise(features, borders),
        borders=borders,
        levels=(0, 0, 0, len(LEVELS)),
        target=target,
        weights=np.ones(ROWS),
        folds=folds,
    )


ENCODER = TableEncoder(
    columns=(*NAMES, "d"),
    encoders=(*(NumericEncoder(name=name) for name in NAMES), CategoricalEncoder(name="d", categories=LEVELS)),
)
PRODUCT = (AMOUNTS[:, 0] * AMOUNTS[:, 1] + 0.1 * AMOUNTS[:, 2]).astype(np.float64)


def test_a_product_is_found() -> None:
    found = find_interactions(AMOUNTS, NAMES, [0, 1, 2], PRODUCT[:, None])
    assert [each.name for each in found] == ["a x b"]


def test_a_quotient_is_found_between_missing_numbers() -> None:
    positive = np.exp(AMOUNTS)
    answers = (positive[:, 2] / positive[:, 0]).astype(np.float64)
    positive[::7, 0] = np.nan
    found = find_interactions(positive, NAMES, [0, 1, 2], answers[:, None])
    assert found[0].name in {"a / c", "c / a"}


def test_effects_that_add_up_need_no_combination() -> None:
    answers = (AMOUNTS[:, 0] + np.sin(AMOUNTS[:, 1])).astype(np.float64)
    assert find_interactions(AMOUNTS, NAMES, [0, 1, 2], answers[:, None]) == []


def test_noise_needs_no_combination() -> None:
    assert find_interactions(AMOUNTS, NAMES, [0, 1, 2], RANDOM.normal(size=(ROWS, 1))) == []


def test_mean_answers_do_not_know_the_row_they_describe() -> None:
    """Another answer in one row changes what rows of other folds see, never what its own fold's rows see."""
    target = RANDOM.normal(size=ROWS)
    features = make_data(target).features
    folds = [np.isin(FOLDS, fold) for fold in range(5)]
    changed = target.copy()
    changed[0] += 1000
    before, after = (
        fit_target_means(features, "d", 3, each, np.ones(ROWS), folds, 5).columns for each in (target, changed)
    )
    own = folds[0]
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own & (features[:, 3] == features[0, 3])] != after[~own & (features[:, 3] == features[0, 3])]).any()
    np.testing.assert_array_equal(before[:, FOLDS[0]], after[:, FOLDS[0]])  # its fold's model learns without it


def test_serving_sees_what_scoring_sees() -> None:
    encoder, data = enrich(ENCODER, make_data(PRODUCT + CATEGORIES), 5, 0)
    assert data.column_folds == (PLAIN,) * 4 + (DERIVED,) + (0, 1, 2, 3, 4)
    assert [feature.name for feature in encoder.features][4:6] == ["a x b", "d: mean answer 0"]
    rows: list[list[Cell]] = [
        [*map(float, AMOUNTS[row]), LEVELS[int(CATEGORIES[row])]] for row in range(ROWS - 500, ROWS)
    ]
    np.testing.assert_array_equal(encoder.encode_rows(rows), data.features[-500:])
    unseen = encoder.encode_rows([[1.0, 1.0, 1.0, "?"], [None, 1.0, 1.0, None]])
    assert np.isfinite(unseen[0, 5:]).all()
    assert np.isnan(unseen[1, 4])


def test_many_classes_get_combinations_only() -> None:
    labels = np.digitize(PRODUCT, [-0.3, 0.3]).astype(np.float64)
    _, data = enrich(ENCODER, make_data(labels, ProblemType.MULTICLASS), 5, 0)
    assert data.column_folds == (PLAIN,) * 4 + (DERIVED,)


@pytest.mark.parametrize("name", [name for name, each in ALGORITHMS.items() if each.abilities.learns_from_codes])
def test_parts_speak_of_the_whole_table(name: str) -> None:
    _, data = enrich(ENCODER, make_data(PRODUCT + CATEGORIES), 5, 0)
    parameters = ALGORITHMS[name].configurations(ProblemType.REGRESSION, ROWS)[0].parameters
    fit = begin_fit(data, name, 2, {**parameters, "columns": "all"}, 0)
    fit.advance(3, 60)
    part = fit.part(1)
    assert isinstance(part, Trees | SymmetricTrees)
    seen = set(part.feature.ravel().tolist())
    assert seen & {4, 7}
    assert not seen & {5, 6, 8, 9}, "the means of other folds"
    plain = begin_fit(replace(data, cache={}), name, 2, parameters, 0)
    plain.advance(1, 60)
    assert plain.part(1).feature.max() < 4  # type: ignore[union-attr]  # trees, as above


def test_linear_models_see_plain_columns() -> None:
    _, data = enrich(ENCODER, make_data(PRODUCT + CATEGORIES), 5, 0)
    fit = begin_fit(data, "linear-learner", 0, {"strongest": 0.1, "weakest": 1.0, "penalties": 1}, 0)
    fit.advance(1, 60)
    assert fit.part(1).numeric.tolist() == [0, 1, 2]  # type: ignore[union-attr]


def test_first_models_see_plain_columns() -> None:
    plans = plan_candidates(list(ALGORITHMS.values()), ProblemType.REGRESSION, ROWS, is_enriched=True)
    seen = {plan.algorithm: plan.parameters.get("columns") for plan in plans[2:]}
    assert seen["xgboost"] == seen["catboost"] == seen["extra-trees"] == "all"
    assert seen["nn-torch"] is seen["fastai"] is plans[0].parameters.get("columns") is None
