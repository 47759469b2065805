"""Recipes: each step fitted, stored and served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from gyropilot.engine.data.columns import profile_columns
from gyropilot.engine.errors import TaskError
from gyropilot.engine.features.documents import read_document, write_document
from gyropilot.engine.features.encoders import UNSEEN, Cell
from gyropilot.engine.features.feature import Feature
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.recipes.catalogue import NUMBER_STEPS, STEPS, fit_recipe, transform
from gyropilot.engine.features.recipes.categories import MAX_MARKS, Ordinal, ThresholdOneHot
from gyropilot.engine.features.recipes.components import RobustPCA
from gyropilot.engine.features.recipes.missing import MissingIndicators, RobustImputer
from gyropilot.engine.features.recipes.scaling import ExtremeValues, RobustScaler
from gyropilot.engine.features.table_encoder import TableEncoder

ROWS = 300
RANDOM = np.random.default_rng(3)
AMOUNTS = (Feature(name="a"), Feature(name="b"))
MIXED = (Feature(name="a"), Feature(name="c", levels=3))

Matrix = NDArray[np.float32]


def matrix(*columns: Any) -> Matrix:
    return np.array(columns, dtype=np.float32).T


@pytest.fixture(scope="module")
def table() -> pa.Table:
    amounts = RANDOM.normal(size=ROWS)
    return pa.table(
        {
            "amount": [None if row % 7 == 0 else float(amounts[row]) for row in range(ROWS)],
            "heavy": RANDOM.standard_cauchy(ROWS),
            "plain": RANDOM.normal(size=ROWS),
            "colour": RANDOM.choice(["red", "green", "blue"], ROWS).tolist(),
            "when": [f"2024-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(ROWS)],
            "note": [f"{' '.join(RANDOM.choice(['fast', 'slow', 'good', 'bad'], 6))} {row}" for row in range(ROWS)],
            "curve": [f"{row};{row + 1};{row % 3}" for row in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def encoder(table: pa.Table) -> TableEncoder:
    return fit_table_encoder(table, profile_columns(table, {}))


def test_gaps_of_training_are_marked_and_others_are_not() -> None:
    step = MissingIndicators.fit(matrix([1, np.nan], [3, 4]), AMOUNTS)
    assert step is not None
    assert [feature.name for feature in step.rename(AMOUNTS)] == ["a", "b", "a is missing"]
    np.testing.assert_array_equal(step.apply(matrix([np.nan, 5], [np.nan, 4]))[:, 2], [1, 0])
    assert MissingIndicators.fit(matrix([1, 2], [3, 4]), AMOUNTS) is None


def test_gaps_are_filled_with_a_median_that_one_extreme_amount_does_not_move() -> None:
    step = RobustImputer.fit(matrix([1, 2, 3, 1e9, np.nan], [np.nan] * 5), AMOUNTS)
    assert step is not None
    np.testing.assert_array_equal(step.apply(matrix([np.nan, 7], [np.nan, 8])), matrix([2, 7], [0, 8]))


def test_categories_stay_missing_where_only_amounts_are_filled() -> None:
    step = RobustImputer.fit(matrix([1, 2], [0, 1]), MIXED)
    assert step is not None
    assert np.isnan(step.apply(matrix([np.nan], [np.nan]))[0, 1])


def test_frequent_categories_have_marks_and_the_others_share_one() -> None:
    codes = [0] * 50 + [1] * 20 + [2] * 2
    step = ThresholdOneHot.fit(matrix(np.zeros(72), codes), MIXED)
    assert step is not None
    names = [feature.name for feature in step.rename(MIXED)]
    assert names == ["a", "c: category 1", "c: category 2", "c: other", "c: missing"]
    given = step.apply(matrix([5] * 5, [0, 1, 2, UNSEEN, np.nan]))
    np.testing.assert_array_equal(given[:, 0], 5)
    np.testing.assert_array_equal(given[:, 1:].argmax(axis=1), [0, 1, 2, 2, 3])
    np.testing.assert_array_equal(given[:, 1:].sum(axis=1), 1)


def test_very_many_categories_do_not_become_very_many_marks() -> None:
    codes = np.repeat(np.arange(3000), 10)
    features = (Feature(name="c", levels=3000),)
    step = ThresholdOneHot.fit(matrix(codes), features)
    assert step is not None
    assert len(step.rename(features)) <= MAX_MARKS + 2


def test_ordinal_keeps_what_categories_are_and_lets_the_rarest_go() -> None:
    step = msgspec.structs.replace(Ordinal(columns=(1,)), kept=2)
    assert step.rename(MIXED)[1].levels == 2
    given = step.apply(matrix([0] * 5, [0, 1, 2, UNSEEN, np.nan]))[:, 1]
    np.testing.assert_array_equal(given, [0, 1, UNSEEN, UNSEEN, np.nan])


def test_extreme_amounts_are_drawn_in_and_keep_their_order() -> None:
    column = np.concatenate([np.linspace(-1, 1, 500), [1e6]])
    step = ExtremeValues.fit(matrix(column, np.linspace(0, 1, 501)), AMOUNTS)
    assert step is not None
    assert step.columns == (0,)
    given = step.apply(matrix([-1e6, -0.5, 0.5, 10, 1e6, np.nan], [1e6] * 6))
    np.testing.assert_array_equal(given[1:3, 0], [-0.5, 0.5])
    assert (np.diff(given[:5, 0]) > 0).all()
    assert np.abs(given[:5, 0]).max() < 3000
    assert np.isnan(given[5, 0])
    np.testing.assert_array_equal(given[:, 1], np.float32(1e6))


def test_amounts_are_scaled_by_their_quartiles() -> None:
    step = RobustScaler.fit(matrix([0, 1, 2, 3, 1e9], [5, 5, 5, 5, 6]), AMOUNTS)
    assert step is not None
    np.testing.assert_allclose(step.apply(matrix([2, 4, np.nan], [5.2, 5.6, 5.2]))[:, 0], [0, 1, np.nan])
    assert step.scale[1] == pytest.approx(0.4)


def test_components_hold_what_columns_have_in_common() -> None:
    hidden = RANDOM.normal(size=(400, 2))
    given = (hidden @ RANDOM.normal(size=(2, 6)) + 0.01 * RANDOM.normal(size=(400, 6))).astype(np.float32)
    features = (*(Feature(name=f"x{number}") for number in range(6)), Feature(name="c", levels=2))
    rows = np.concatenate([given, np.ones((400, 1), dtype=np.float32)], axis=1)
    step = RobustPCA.fit(rows, features)
    assert step is not None
    names = [feature.name for feature in step.rename(features)]
    assert names[0] == "c"
    assert names[1:] == ["component 1", "component 2"]
    components = step.apply(rows)[:, 1:]
    fitted, *_ = np.linalg.lstsq(components, hidden - hidden.mean(axis=0), rcond=None)
    assert np.abs(components @ fitted - (hidden - hidden.mean(axis=0))).max() < 0.3


@pytest.mark.parametrize("name", NUMBER_STEPS)
def test_a_step_serves_rows_alone_as_it_does_many(name: str, tmp_path: Path) -> None:
    rows = RANDOM.normal(size=(200, 4)).astype(np.float32)
    rows[:, 3] = RANDOM.integers(0, 3, 200)
    rows[::5, 0] = np.nan
    rows[0, 1] = 1e5
    features = (*(Feature(name=f"x{number}") for number in range(3)), Feature(name="c", levels=3))
    step = NUMBER_STEPS[name].fit(rows, features)
    assert step is not None
    served = rows[:50].copy()
    served[:, 0] = np.nan
    served[::3, 3] = UNSEEN
    served[1::3, 3] = np.nan
    whole = step.apply(served)
    assert whole.dtype == np.float32
    assert whole.shape == (50, len(step.rename(features)))
    np.testing.assert_array_equal(np.concatenate([step.apply(row[None]) for row in served]), whole)
    write_document(step, tmp_path / "step.json", tmp_path / "step.npz")
    again = read_document((tmp_path / "step.json").read_bytes(), tmp_path / "step.npz", NUMBER_STEPS[name])
    np.testing.assert_array_equal(again.apply(served), whole)


@pytest.mark.parametrize(
    "recipe",
    [
        ("ordinal",),
        (
            "date-parts",
            "text-tfidf",
            "sequence-summaries",
            "interactions",
            "missing-indicators",
            "robust-impute",
            "one-hot",
        ),
        ("date-parts", "robust-impute", "ordinal", "extreme-values", "robust-scale", "robust-pca"),
        (),
    ],
)
def test_a_recipe_makes_of_cells_what_training_saw(
    table: pa.Table, encoder: TableEncoder, recipe: tuple[str, ...], tmp_path: Path
) -> None:
    rows = encode_table(encoder, table)
    chosen = fit_recipe(encoder, recipe, rows, RANDOM.normal(size=(ROWS, 1)))
    write_document(chosen, tmp_path / "recipe.json", tmp_path / "recipe.npz")
    served = read_document((tmp_path / "recipe.json").read_bytes(), tmp_path / "recipe.npz", TableEncoder)
    cells: list[list[Cell]] = [list(row.values()) for row in table.to_pylist()]
    trained = transform(encoder, chosen, rows)
    assert trained.shape == (ROWS, len(chosen.features))
    np.testing.assert_array_equal(served.encode_rows(cells), trained)
    np.testing.assert_array_equal(np.concatenate([served.encode_rows([row]) for row in cells[:20]]), trained[:20])
    odd: list[Cell] = [None, "x", "", "violet", "no date", "", ""]
    assert served.encode_rows([odd]).shape == (1, len(chosen.features))


def test_a_recipe_reads_the_columns_that_it_has_steps_for(table: pa.Table, encoder: TableEncoder) -> None:
    rows, answers = encode_table(encoder, table), np.zeros((ROWS, 1))
    read = {
        recipe: {each.name for each in fit_recipe(encoder, recipe, rows, answers).encoders}
        for recipe in [(), ("one-hot",), ("date-parts",), ("text-tfidf",), ("sequence-summaries",)]
    }
    numbers = {"amount", "heavy", "plain"}
    assert read[()] == numbers
    assert [*read.values()][1:] == [numbers | {name} for name in ("colour", "when", "note", "curve")]


def test_the_steps_are_fitted_to_the_rows_that_are_learned_from(table: pa.Table, encoder: TableEncoder) -> None:
    rows = encode_table(encoder, table)
    few = fit_recipe(encoder, ("robust-scale",), rows[:50], np.zeros((50, 1)))
    moved = rows.copy()
    moved[50:] *= 100
    assert few == fit_recipe(encoder, ("robust-scale",), moved[:50], np.zeros((50, 1)))
    assert few != fit_recipe(encoder, ("robust-scale",), moved, np.zeros((ROWS, 1)))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (("robust-imput",), r"There is no step 'robust-imput' of a recipe; there are date-parts, "),
        (("ordinal", "ordinal"), r"has each step once: ordinal, ordinal"),
        (("ordinal", "one-hot"), r"has 'one-hot' or 'ordinal', not both"),
        (("robust-scale", "date-parts"), r"Steps of cells \(date-parts, .*\) come before all others"),
    ],
)
def test_recipes_that_cannot_be_followed(encoder: TableEncoder, recipe: tuple[str, ...], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        fit_recipe(encoder, recipe, np.zeros((0, 0), dtype=np.float32), np.zeros((0, 1)))


def test_a_recipe_that_leaves_nothing_is_refused() -> None:
    words = pa.table({"colour": ["red", "green"] * 20})
    encoder = fit_table_encoder(words, profile_columns(words, {}))
    with pytest.raises(TaskError, match="leaves no column to learn from: robust-scale"):
        fit_recipe(encoder, ("robust-scale",), encode_table(encoder, words), np.zeros((40, 1)))


def test_a_step_of_columns_that_are_not_there_is_no_encoder(encoder: TableEncoder) -> None:
    with pytest.raises(ValueError, match="step 'missing-indicators' reads column 99"):
        msgspec.structs.replace(encoder, steps=(MissingIndicators(columns=(99,)),))


def test_every_step_has_a_name_of_its_own() -> None:
    assert len(set(STEPS)) == len(STEPS)
    assert {name: kind.__struct_config__.tag for name, kind in NUMBER_STEPS.items()} == {
        name: name for name in NUMBER_STEPS
    }
