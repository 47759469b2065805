"""SHAP values: against exact ones, and what must hold for every model."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gyropilot.engine import Budget, Model, Task, fit
from gyropilot.engine.budget import Deadline
from gyropilot.engine.bundle.load import Predictor
from gyropilot.engine.errors import RequestError, TaskError
from gyropilot.engine.explain.baseline import find_baseline
from gyropilot.engine.explain.clarify import write_analysis, write_baseline, write_values
from gyropilot.engine.explain.explanation import EXACT, PERMUTATION
from gyropilot.engine.explain.game import Game, Matrix
from gyropilot.engine.explain.shapley import explain
from gyropilot.engine.explain.words import explain_words
from gyropilot.engine.features.derivations import Arithmetic
from gyropilot.engine.features.encoders import CategoricalEncoder, DatetimeEncoder, NumericEncoder, TextEncoder
from gyropilot.engine.features.table_encoder import TableEncoder

HERE = Budget(max_candidates=1, in_process=True)


def make_game(columns: int, rows: int = 3) -> tuple[Game, Matrix]:
    """Return a model in which columns act in threes, with a derived column, and some rows."""
    random = np.random.default_rng(5)
    encoder = TableEncoder(
        columns=tuple(f"x{n}" for n in range(columns)),
        encoders=tuple(NumericEncoder(name=f"x{n}") for n in range(columns)),
        derivations=(Arithmetic(name="x0 * x1", operator="multiply", left=0, right=1),),
    )

    def run(features: Matrix) -> Matrix:
        known = np.nan_to_num(features.astype(np.float64))
        amount = known[:, 0] + known[:, -1] * known[:, 2] + np.sin(known).sum(axis=1) + known[:, :3].prod(axis=1)
        numbers: Matrix = amount[:, None].astype(np.float32)
        return numbers

    base = random.normal(size=(rows, columns)).astype(np.float32)
    base[0, 1] = np.nan
    baseline = tuple(tuple(row) for row in random.normal(size=(4, columns)).round(2).tolist())
    return Game(encoder, run, 0, baseline), base


def shapley_by_definition(game: Game, row: Matrix) -> np.ndarray:
    """Return the Shapley values of one row, written down as they are defined."""
    players = range(game.players)

    def worth(members: tuple[int, ...]) -> float:
        mixed = game.baseline.copy()
        mixed[:, list(members)] = row[list(members)]
        return float(game.predict(mixed).mean())

    values = np.zeros(game.players)
    for player in players:
        others = [each for each in players if each != player]
        for size in range(game.players):
            share = 1 / (game.players * math.comb(game.players - 1, size))
            for members in itertools.combinations(others, size):
                values[player] += share * (worth((*members, player)) - worth(members))
    return values


def test_few_columns_are_explained_exactly() -> None:
    game, base = make_game(5)
    explanation = explain(game, base, ("y",))
    assert explanation.method == EXACT
    assert (explanation.standard_error == 0).all()
    for row, values in zip(base, explanation.values, strict=True):
        np.testing.assert_allclose(values[:, 0], shapley_by_definition(game, row), atol=1e-5)


def test_the_standard_error_tells_how_far_walks_are_from_the_exact_values() -> None:
    game, base = make_game(8, rows=16)
    explanation = explain(game, base, ("y",))
    assert explanation.method == PERMUTATION
    exact = np.array([shapley_by_definition(game, row) for row in base])
    missed = np.sqrt(((explanation.values[:, :, 0] - exact) ** 2).mean())
    told = np.sqrt((explanation.standard_error**2).mean())
    assert 0.6 < missed / told < 1.6


def test_what_two_columns_do_together_is_never_left_to_chance() -> None:
    encoder = TableEncoder(columns=tuple("abcdefgh"), encoders=tuple(NumericEncoder(name=name) for name in "abcdefgh"))
    baseline = ((0.0,) * 8, (1.0,) * 8)
    game = Game(encoder, lambda x: (x[:, :1] * x[:, 1:2] + x[:, 2:3] * x[:, 7:]).astype(np.float32), 0, baseline)
    base = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    explanation = explain(game, base, ("y",))
    assert explanation.standard_error.max() < 1e-6
    np.testing.assert_allclose(explanation.values[0, :, 0], shapley_by_definition(game, base[0]), atol=1e-5)


def test_a_column_that_is_as_in_the_baseline_moves_nothing() -> None:
    game, base = make_game(8)
    base[:, 3] = 0.5
    game._baseline = tuple((*row[:3], 0.5, *row[4:]) for row in game._baseline)
    assert (explain(game, base, ("y",)).values[:, 3] == 0).all()


def test_more_time_explains_more_rows_and_changes_none() -> None:
    game, base = make_game(8, rows=2000)
    some = explain(game, base, ("y",), deadline=Deadline.after(0))
    every = explain(game, base, ("y",))
    assert 0 < len(some.values) < len(every.values) == some.asked == 2000
    np.testing.assert_array_equal(some.values, every.values[: len(some.values)])
    assert np.isnan(some.standard_error).all()  # there was no time to repeat anything


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_values_add_up_to_the_prediction_of_every_model(kind: str) -> None:
    random = np.random.default_rng(1)
    columns = {f"x{n}": random.normal(size=200) for n in range(6)}
    amount = columns["x0"] + columns["x1"] * columns["x2"]
    words = random.choice(["red", "green", ""], 200)
    answers = {"binary": amount > 0, "multiclass": np.digitize(amount, [-1, 1]), "regression": 1000 * amount}
    table = {**columns, "colour": words, "y": answers[kind]}
    budget = Budget(max_candidates=3, in_process=True)
    model = fit(table, Task(target="y", algorithms=("lightgbm", "linear-learner")), budget)
    explanation = model.explain({name: cells[:20] for name, cells in table.items()})
    whole = explanation.values.sum(axis=1) + explanation.expected
    given = model.predict(table)[:20, None] if kind == "regression" else model.predict_proba(table)[:20]
    expected = given[:, 1:] if kind == "binary" else given
    scale = max(1.0, float(np.abs(expected).max()))
    assert explanation.columns == (*columns, "colour")
    assert np.abs(whole - expected).max() <= 1e-4 * scale
    assert explanation.labels == {"binary": ("True",), "multiclass": ("0", "1", "2"), "regression": ("y",)}[kind]


@pytest.fixture(scope="module")
def texts() -> Model:
    random = np.random.default_rng(2)
    notes = [" ".join(random.choice(["fine", "awful", "box", "late", "the"], 8)) for _ in range(300)]
    labels = ["bad" if note.count("awful") > 1 else "good" for note in notes]
    table = {"note": notes, "n": random.normal(size=300), "label": labels}
    return fit(table, Task(target="label", algorithms=("linear-learner",)), HERE)


def test_words_share_out_what_their_text_does(texts: Model) -> None:
    manifest = texts.manifest
    game = Game(manifest.encoder, texts.predictor.run, 2, manifest.baseline)
    notes = ["the box was awful awful", "fine fine box", "awful, late!", "fine box", "the awful late box", None]
    base = game.encode_cells([(note, 0.0) for note in notes])
    effects = explain_words(game, base, 0, notes)
    assert effects.texts == 5
    assert effects.words[0] == "awful"
    assert dict(zip(effects.words, effects.counts, strict=True)) == {"awful": 3, "box": 4}
    assert effects.effects[0, 0] < 0 < effects.effects[effects.words.index("box"), 0]  # of the label good


def test_a_model_without_a_baseline_says_so(texts: Model) -> None:
    older = Predictor(msgspec.structs.replace(texts.manifest, baseline=()), texts.predictor._algorithm._graph)
    with pytest.raises(TaskError, match="of an earlier version, without the typical rows"):
        Model(older, b"").explain({"note": ["x"], "n": [1.0]})
    with pytest.raises(RequestError, match="no rows to explain"):
        texts.explain({"note": [], "n": []})


def test_the_baseline_has_typical_cells_of_every_kind() -> None:
    random = np.random.default_rng(0)
    encoder = TableEncoder(
        columns=("amount", "colour", "day", "note"),
        encoders=(
            NumericEncoder(name="amount"),
            CategoricalEncoder(name="colour", categories=("red", "blue")),
            DatetimeEncoder(name="day", date_format="%d.%m.%Y", has_time=False),
            TextEncoder(name="note"),
        ),
    )
    rows = [
        (float(n % 7) if n % 3 else None, random.choice(["red", "red", "blue"]), f"{1 + n % 9:02d}.03.2024", "a b")
        for n in range(200)
    ]
    baseline = find_baseline(encoder, encoder.encode_rows(rows), np.arange(200), seed=0)
    assert len(baseline) == 16
    assert {row[1] for row in baseline} <= {"red", "blue"}
    assert all(str(row[2]).endswith(".03.2024") and row[3] is None for row in baseline)
    assert find_baseline(encoder, encoder.encode_rows(rows), np.arange(200), seed=0) == baseline
    assert len(find_baseline(encoder, encoder.encode_rows(rows), np.arange(30), seed=0)) == 2


def test_documents_have_the_shape_that_clarify_gives_them() -> None:
    game, base = make_game(3)
    explanation = explain(game, base, ("one",))
    document = write_analysis(explanation)
    assert document["version"] == "1.0"
    label = document["explanations"]["kernel_shap"]["label0"]
    assert list(label["global_shap_values"]) == ["x0", "x1", "x2"]
    assert label["expected_value"] == pytest.approx(float(game.baseline_predictions.mean()))
    lines = write_values(explanation).splitlines()
    assert lines[0] == "x0_label0,x1_label0,x2_label0"
    assert len(lines) == 4
    assert write_baseline(("a", "b"), [(1.5, None)]) == "a,b\n1.5,\n"


def test_the_same_table_and_seed_give_the_same_baseline_in_a_bundle(tmp_path: Path) -> None:
    table = {"x": np.arange(60.0), "z": np.tile([1.0, 2.0], 30), "y": np.arange(60.0) * 2}
    made = [fit(table, Task(target="y", algorithms=("linear-learner",)), HERE) for _ in range(2)]
    made[0].save(tmp_path / "model.tar.gz")
    assert made[0].manifest.baseline == made[1].manifest.baseline
    assert len(made[0].manifest.baseline) == 4
