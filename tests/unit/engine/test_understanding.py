"""Column kinds, dates, the target and folds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine.data.columns import NAMES_ROWS, NOT_CHOSEN, REPEATS, profile_column, profile_columns
from gyropilot.engine.data.dates import FORMATS, find_date_format, parse_date
from gyropilot.engine.data.folds import assign_folds, count_folds, hold_out
from gyropilot.engine.data.target import understand_target
from gyropilot.engine.errors import DataError
from gyropilot.engine.task import ColumnKind, ProblemType

WORDS = [f"word{number} and some more words {number % 7}" for number in range(100)]


def column(cells: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


@pytest.mark.parametrize(
    ("cells", "kind", "left_out"),
    [
        (["1", " 2.5 ", "-3e2", None], ColumnKind.NUMERIC, ""),
        (["1", "NA", "?", "4"], ColumnKind.NUMERIC, ""),
        (["$1,234.50", "$3", "", None], ColumnKind.NUMERIC, ""),
        (["12 %", "3.5%", "NA"], ColumnKind.NUMERIC, ""),
        (["1,234", "12,34"], ColumnKind.CATEGORICAL, ""),
        (["$5", "five"], ColumnKind.CATEGORICAL, ""),
        (["a", "b", "a", None], ColumnKind.CATEGORICAL, ""),
        (["NA", "a", "NA", "a"], ColumnKind.CATEGORICAL, ""),
        (["2024-01-31", "2024-02-01"], ColumnKind.DATETIME, ""),
        (["31.01.2024", "01.02.2024"], ColumnKind.DATETIME, ""),
        (WORDS, ColumnKind.TEXT, ""),
        ([f"id{number}" for number in range(100)], ColumnKind.CATEGORICAL, "almost every row has a value of its own"),
        (["x", "x"], ColumnKind.CATEGORICAL, "it is constant"),
        (["x", None], ColumnKind.CATEGORICAL, ""),
        ([*map(str, range(95)), *["high"] * 5], ColumnKind.NUMERIC, ""),
        ([*map(str, range(94)), *["high"] * 6], ColumnKind.CATEGORICAL, ""),
        ([*["1", "2", "3"] * 40, "many"], ColumnKind.CATEGORICAL, ""),
        ([None, None], ColumnKind.NUMERIC, "it is empty"),
    ],
)
def test_kinds(cells: list[str | None], kind: ColumnKind, left_out: str) -> None:
    profile = profile_column("c", column(cells))
    assert (profile.kind, profile.left_out) == (kind, left_out)


def test_override_decides() -> None:
    assert profile_column("c", column(["1", "2"]), ColumnKind.CATEGORICAL).kind is ColumnKind.CATEGORICAL


NUMBERED = [str(7 * number % 100) for number in range(100)]


@pytest.mark.parametrize(
    ("name", "cells", "override", "left_out"),
    [
        ("id", NUMBERED, None, NAMES_ROWS),
        ("order_id", NUMBERED, None, NAMES_ROWS),
        ("Order ID", NUMBERED, None, NAMES_ROWS),
        ("PassengerId", NUMBERED, None, NAMES_ROWS),
        ("Unnamed: 0", NUMBERED, None, NAMES_ROWS),
        ("", NUMBERED, None, NAMES_ROWS),
        ("id", NUMBERED, ColumnKind.NUMERIC, ""),
        ("id", [*NUMBERED, "0"], None, ""),
        ("id", [*NUMBERED, "0.5"], None, ""),
        ("id", NUMBERED[:50], None, ""),
        ("paid", NUMBERED, None, ""),
        ("humidity", NUMBERED, None, ""),
        ("price index", NUMBERED, None, ""),
        ("amount", NUMBERED, None, ""),
    ],
)
def test_numbers_that_name_rows(name: str, cells: list[str], override: ColumnKind | None, left_out: str) -> None:
    assert profile_column(name, column(list(cells)), override).left_out == left_out


def test_columns_that_repeat_an_earlier_one() -> None:
    random = np.random.default_rng(0)
    amount, other = random.normal(size=200), random.normal(size=200)
    table = pa.table(
        {
            "a": amount,
            "b": pa.chunked_array([other[:100], other[100:]]),
            "c": pa.chunked_array([amount[:60], amount[60:]]),
            "d": [*amount[:199], 5.0],
            "e": ["x", "y"] * 100,
            "f": ["x", "y"] * 100,
            "g": amount,
        }
    )
    profiles = profile_columns(table, {})
    assert {each.name: each.repeats for each in profiles if each.left_out} == {"c": "a", "f": "e", "g": "a"}
    assert {each.left_out for each in profiles} == {"", REPEATS}


def test_features_that_are_not_chosen_are_left_out_first() -> None:
    table = pa.table({"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [5.0, 5.0]})
    assert [each.left_out for each in profile_columns(table, {}, ["b", "c"])] == [NOT_CHOSEN, "", "it is constant"]


@pytest.mark.parametrize("date_format", FORMATS[1:])
def test_every_date_format_is_found_and_read(date_format: str) -> None:
    moments = [parse_date(f"2024-{1 + day % 12:02d}-{1 + day:02d}T10:20:30+00:00", "iso") for day in range(28)]
    written = [moment.strftime(date_format.replace("%z", "+0000")) for moment in moments if moment is not None]
    found = find_date_format(written)
    assert found
    for text, moment in zip(written, moments, strict=True):
        read = parse_date(text, found)
        assert read is not None
        assert moment is not None
        assert read.date() == moment.date()


def test_zones_become_universal_time() -> None:
    moment = parse_date("2024-01-01T00:30:00+02:00", "iso")
    assert str(moment) == "2023-12-31 22:30:00"


@pytest.mark.parametrize("cells", [["12345678"], ["2024-01-01", "soon"], ["abcdefgh"], []])
def test_no_dates(cells: list[str]) -> None:
    assert find_date_format([*cells, "x1x1x1x1"] if cells else cells) == ""


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["0", "1"] * 50, ProblemType.BINARY),
        (["no", "yes"] * 50, ProblemType.BINARY),
        (["a", "b", "c"] * 50, ProblemType.MULTICLASS),
        (["0", "1", "2"] * 50, ProblemType.MULTICLASS),
        (["0.5", "1.0", "2.0"] * 50, ProblemType.REGRESSION),
        ([str(number) for number in range(100)], ProblemType.REGRESSION),
        (["0", "1", "2"] * 3, ProblemType.REGRESSION),
    ],
)
def test_problem_type_is_inferred(cells: list[str], problem: ProblemType) -> None:
    assert understand_target("t", column(list(cells)), None).problem_type is problem


def test_labels_keep_their_spelling_and_order() -> None:
    target = understand_target("t", column([" <=50K", " >50K", None, " <=50K", " >50K"]), None)
    assert target.classes == (" <=50K", " >50K")
    assert target.values.tolist() == [0, 1, 0, 1]
    assert target.rows.tolist() == [0, 1, 3, 4]
    assert "1 rows have no target" in target.findings[0]


def test_numeric_labels_are_ordered_as_numbers() -> None:
    assert understand_target("t", column(["10", "9", "2"] * 2), ProblemType.MULTICLASS).classes == ("2", "9", "10")


def test_labels_of_a_numeric_column_are_spelled_as_whole_numbers() -> None:
    target = understand_target("t", pa.chunked_array([pa.array([1.0, 0.0, 1.0, 0.0])]), None)
    assert target.classes == ("0", "1")


def test_classes_of_a_single_row_are_left_out() -> None:
    cells = ["no", "nope", "yes", "no", "yes", "yse"]
    target = understand_target("t", column(list(cells)), None)
    assert (target.problem_type, target.classes) == (ProblemType.BINARY, ("no", "yes"))
    assert target.values.tolist() == [0, 1, 0, 1]
    assert target.rows.tolist() == [0, 2, 3, 4]
    (finding,) = target.findings
    assert finding.startswith("2 classes have a single row")
    assert finding.endswith("such as that of 'nope'.")
    given = understand_target("t", column([*cells, "nope", "nope"]), ProblemType.MULTICLASS)
    assert given.classes == ("no", "nope", "yes")
    assert given.values.tolist() == [0, 1, 2, 0, 2, 1, 1]


@pytest.mark.parametrize("problem", ProblemType)
def test_infinite_targets_are_no_answers(problem: ProblemType) -> None:
    cells = pa.chunked_array([pa.array([1.0, float("inf"), 0.0, float("-inf"), 1.0, 0.0])])
    target = understand_target("t", cells, problem)
    assert target.rows.tolist() == [0, 2, 4, 5]
    assert target.findings == ("2 rows have no target and were left out.",)


def test_regression_leaves_words_and_infinities_out() -> None:
    target = understand_target("t", column(["1.5", "NA", "inf", "2"]), ProblemType.REGRESSION)
    assert target.values.tolist() == [1.5, 2]
    assert target.rows.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("cells", "problem", "message"),
    [
        ([None, None], None, "is empty in every row"),
        (["a", "a"], None, "one class only, 'a'"),
        (["1", "1"], ProblemType.REGRESSION, "only one value"),
        (["a", "b"], ProblemType.REGRESSION, "holds words"),
        (["a", "a", "b"], None, "one class only, 'a' besides classes of a single row"),
        (["a", "b", "c"], None, "no class of 2 rows"),
        (["a", "b", "c"] * 2, ProblemType.BINARY, "3 classes; a binary problem has two"),
        ([f"w{number}" for number in range(200)], None, "cannot be inferred"),
    ],
)
def test_targets_that_teach_nothing(cells: list[str | None], problem: ProblemType | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        understand_target("t", column(cells), problem)


def test_folds_share_every_class_evenly() -> None:
    target = np.repeat([0.0, 1.0, 2.0], [700, 250, 50])
    folds = assign_folds(target, ProblemType.MULTICLASS, 5, 0)
    for label in range(3):
        counts = np.bincount(folds[target == label], minlength=5)
        assert np.ptp(counts) <= 1


def test_folds_share_a_regression_target_evenly_and_repeat() -> None:
    target = np.random.default_rng(0).exponential(size=1003)
    folds = assign_folds(target, ProblemType.REGRESSION, 5, 3)
    assert np.ptp(np.bincount(folds)) <= 1
    assert np.ptp([target[folds == fold].mean() for fold in range(5)]) < 0.05
    np.testing.assert_array_equal(folds, assign_folds(target, ProblemType.REGRESSION, 5, 3))
    assert (folds != assign_folds(target, ProblemType.REGRESSION, 5, 4)).any()


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5, 0.9])
def test_held_out_rows_are_a_fraction_of_every_class(fraction: float) -> None:
    target = np.repeat([0.0, 1.0], [1500, 500])
    held = hold_out(target, ProblemType.BINARY, fraction, 0)
    assert held[:1500].mean() == pytest.approx(fraction, abs=0.03)
    assert held[1500:].mean() == pytest.approx(fraction, abs=0.03)


@pytest.mark.parametrize("counts", [(40, 2), (40, 3, 2, 2), (2, 2, 2, 2, 2), (3, 3, 3, 3)])
@pytest.mark.parametrize("fraction", [None, 0.1, 0.5, 0.9])
def test_every_fold_learns_from_every_class(counts: tuple[int, ...], fraction: float | None) -> None:
    target = np.repeat(np.arange(float(len(counts))), counts)
    held = np.zeros(len(target), dtype=bool)
    if fraction is not None:
        held = hold_out(target, ProblemType.MULTICLASS, fraction, 0)
    folds = assign_folds(target[~held], ProblemType.MULTICLASS, 5, 0)
    for fold in np.unique(folds):
        assert set(target[~held][folds != fold]) == set(target)


def test_fewer_folds_for_long_tables() -> None:
    assert [count_folds(rows) for rows in (100, 20_000, 50_000, 1_000_000)] == [5, 5, 4, 3]
