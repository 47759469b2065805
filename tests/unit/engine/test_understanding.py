"""Column kinds, dates, the target and folds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine.data.columns import NAMES_ROWS, NOT_CHOSEN, REPEATS, profile_column, profile_columns
from gyropilot.engine.data.dates import DIGITS, FORMATS, MILLISECONDS, SECONDS, find_date_format, parse_date
from gyropilot.engine.data.folds import assign_folds, count_folds, hold_out
from gyropilot.engine.data.sequences import parse_sequence
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


def test_zones_may_differ_from_cell_to_cell() -> None:
    cells = ["2024-01-01T00:30:00+02:00", "2024-01-01T00:30:00Z", "2024-01-01 00:30:00 UTC", "2024-01-01T00:30-05:00"]
    date_format = find_date_format(cells)
    moments = [str(parse_date(cell, date_format)) for cell in cells]
    assert moments == ["2023-12-31 22:30:00", *["2024-01-01 00:30:00"] * 2, "2024-01-01 05:30:00"]


@pytest.mark.parametrize(
    ("cells", "date_format", "first"),
    [
        ([1704067200, 1704153600.5], SECONDS, "2024-01-01 00:00:00"),
        (["1704067200", "0"], SECONDS, "2024-01-01 00:00:00"),
        ([1704067200123.0, 1.0], MILLISECONDS, "2024-01-01 00:00:00.123000"),
        ([20240131.0, 20231201.0], DIGITS, "2024-01-31 00:00:00"),
        (["20240131", "20231201"], "iso", "2024-01-31 00:00:00"),
        (["2024-02", "2023-12"], "%Y-%m", "2024-02-01 00:00:00"),
        ([1e300, 1.0], "", ""),
    ],
)
def test_numbers_are_dates_when_that_is_said(cells: list[str | float], date_format: str, first: str) -> None:
    values = pa.chunked_array([pa.array(cells)])
    profile = profile_column("c", values, ColumnKind.DATETIME) if date_format else None
    assert find_date_format(cells) == date_format
    if profile is not None:
        assert profile.date_format == date_format
        assert str(parse_date(str(cells[0]), date_format)) == first or date_format == DIGITS


@pytest.mark.parametrize(
    ("name", "cells", "date_format"),
    [
        ("timestamp", [1704067200, 1704153600], SECONDS),
        ("eventTimestamp", [1704067200000, 1704153600000], MILLISECONDS),
        ("created_at", [1704067200, 1704153600], SECONDS),
        ("time", [1704067200, 1704153600], ""),
        ("timestamp", [3, 1704067200], ""),
        ("timestamp", [1704067200.5, 1704153600], ""),
        ("unix_seconds", [1704067200, 1704153600], SECONDS),
        ("amount", [1704067200, 1704153600], ""),
        ("order_date", [20240131, 20231201], DIGITS),
        ("order_date", [20240131, 20240132], ""),
        ("order", [20240131, 20231201], ""),
    ],
)
def test_numbers_are_dates_by_name_and_range_together(name: str, cells: list[float], date_format: str) -> None:
    profile = profile_column(name, pa.chunked_array([pa.array(cells, pa.float64())]))
    assert (profile.kind is ColumnKind.DATETIME, profile.date_format) == (bool(date_format), date_format)


@pytest.mark.parametrize(
    ("cells", "is_inferred"),
    [
        (["1.0,2.0,3.5", "4, 5, 6, 7", "1,,3,4"], True),
        (["1;2;3", "[4; 5; 6]", "7; NA; 8; 9"], True),
        (["1,5", "2,5", "3,7"], False),
        (["1,5", "2,5", "3,7,4"], False),
        (["1,234", "1,234,567", "12"], False),
        (["a, b, c", "d, e, f"], False),
        (["1, 2, many", "1, 2, 3"], False),
        (["2024-01-01,2024-01-02", "2024-01-01"], False),
    ],
)
def test_sequences_are_told_from_numbers_and_words(cells: list[str], is_inferred: bool) -> None:
    assert (profile_column("c", column([*cells, None])).kind is ColumnKind.SEQUENCE) is is_inferred


def test_what_is_no_number_is_missing_from_a_sequence() -> None:
    np.testing.assert_array_equal(parse_sequence("[1, , x, 2.5e1]"), [1, np.nan, np.nan, 25])
    np.testing.assert_array_equal(parse_sequence(" 1,5; -2 ;.5"), [np.nan, -2, 0.5])
    assert parse_sequence("") == parse_sequence("no, numbers") == []


@pytest.mark.parametrize("cells", [["12345678x"], ["2024-01-01", "soon"], ["abcdefgh"], []])
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
    assert "1 rows have no target" in target.findings[0].message


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
    assert finding.message.startswith("2 classes have a single row")
    assert finding.message.endswith("such as that of 'nope'.")
    given = understand_target("t", column([*cells, "nope", "nope"]), ProblemType.MULTICLASS)
    assert given.classes == ("no", "nope", "yes")
    assert given.values.tolist() == [0, 1, 2, 0, 2, 1, 1]


@pytest.mark.parametrize("problem", ProblemType)
def test_infinite_targets_are_no_answers(problem: ProblemType) -> None:
    cells = pa.chunked_array([pa.array([1.0, float("inf"), 0.0, float("-inf"), 1.0, 0.0])])
    target = understand_target("t", cells, problem)
    assert target.rows.tolist() == [0, 2, 4, 5]
    assert [finding.message for finding in target.findings] == ["2 rows have no target and were left out."]


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
    assert [count_folds(rows) for rows in (100, 20_000, 50_000, 400_000, 1_000_000)] == [5, 5, 4, 3, 1]
