"""What the owner of a table is told about it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine.data.columns import numbers_as_numbers, profile_columns
from gyropilot.engine.data.findings import (
    count_repeated_rows,
    find_few,
    find_in_classes,
    find_in_columns,
    find_in_files,
    find_leaks,
    find_repeated_rows,
)
from gyropilot.engine.data.leaks import find_leaking_features
from gyropilot.engine.data.read import RawTable
from gyropilot.engine.events import Finding
from gyropilot.engine.features.quantiser import fit_borders, quantise


def read_messages(findings: list[Finding]) -> list[str]:
    assert all(finding.remedy for finding in findings)
    return [finding.message for finding in findings]


def find_columns(**columns: object) -> list[str]:
    table = pa.table(columns)
    table = numbers_as_numbers(table.columns, table.schema, ())
    return read_messages(find_in_columns(table, profile_columns(table, {})))


def find_leaks_in(features: dict[str, np.ndarray], answers: np.ndarray, *, is_classification: bool) -> list[str]:
    matrix = np.column_stack([*features.values()]).astype(np.float32)
    codes = quantise(matrix, fit_borders(matrix))
    found = find_leaking_features(
        [*features], codes, answers.astype(np.float64), is_classification=is_classification, seed=0
    )
    return [name for name, _ in found]


def test_files() -> None:
    raw = RawTable(
        columns=pa.table({}), skipped_rows=7, skipped_examples=("x, line 3: …",), files_without_header=("2.csv",)
    )
    assert read_messages(find_in_files(raw)) == [
        "7 malformed rows were left out, such as x, line 3: ….",
        "1 file is read without a header, as only the first file has it: '2.csv'.",
    ]
    assert find_in_files(RawTable(columns=pa.table({}))) == []


def test_columns_that_are_left_out_are_grouped_by_reason_and_long_lists_are_cut() -> None:
    same = {f"c{number}": [1.0] * 100 for number in range(13)}
    told = find_columns(
        x=np.arange(100.0) ** 2, y=np.arange(100.0) ** 2, id=np.arange(100.0), empty=[None] * 100, **same
    )
    assert told == [
        "1 column is not learned from, because it repeats another column: 'y' ('x').",
        "1 column is not learned from, because its name and its whole numbers, no two alike, say that it names "
        "rows: 'id'.",
        "1 column is not learned from, because it is empty: 'empty'.",
        "13 columns are not learned from, each because it is constant: 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', "
        "'c8', 'c9' and 3 more.",
    ]


def test_what_counts_as_missing() -> None:
    words = [str(number) for number in range(100)]
    words[3] = words[8] = "unknown"
    (first, second, third) = find_columns(
        words=words, big=[*range(97), float("inf"), float("-inf"), 1e39], sparse=[None] * 51 + list(range(49))
    )
    assert first == "Words among numbers count as missing, in 'words' (2, such as 'unknown')."
    assert second == "Infinite numbers, and those beyond 3e+38, count as missing, in 'big' (3)."
    assert third.startswith("1 column is empty in more than 50% of the rows: 'sparse'.")


def test_nothing_to_tell() -> None:
    random = np.random.default_rng(0)
    assert find_columns(a=random.normal(size=100), b=["x", "y"] * 50) == []
    assert find_few(500) == []
    assert find_leaks([]) == []
    assert find_in_classes([], random.normal(size=9), 5) == []


def test_rare_and_overwhelming_classes() -> None:
    answers = np.repeat([0.0, 1.0, 2.0], [990, 6, 4])
    rare, frequent = read_messages(find_in_classes(["a", "b", "c"], answers, 5))
    assert rare.startswith("1 classes have fewer rows than there are folds (5) and will be hard to tell: 'c'.")
    assert frequent.startswith("99.0% of the rows have the class 'a'")


@pytest.mark.parametrize("kind", ["numbers", "words"])
def test_repeated_rows(kind: str) -> None:
    cells = np.arange(100.0)
    cells[[10, 20, 30]] = 5.0
    other = [f"{cell}" for cell in cells] if kind == "words" else cells
    answers = np.arange(100.0)
    answers[[5, 10, 20]] = 0.0
    table = pa.table({"x": other, "constant": [1.0] * 100, "z": [0.0, -0.0] * 50})
    profiles = profile_columns(table.select(["constant", "z", "x"]), {})
    copies, against = read_messages(find_repeated_rows(*count_repeated_rows(table, profiles, answers), 100))
    assert copies.startswith("2 rows are equal to an earlier one (2.0%), with the same answer.")
    assert against.startswith("4 rows are equal to another one in all features (4.0%) but not in the answer")


def test_rows_that_differ_in_a_missing_cell_are_no_copies() -> None:
    table = pa.table({"x": [1.0, None, 1.0], "y": ["a", "a", None]})
    assert count_repeated_rows(table, profile_columns(table, {}), np.zeros(3)) == (0, 0)


def test_leaks_of_a_class() -> None:
    random = np.random.default_rng(1)
    answers = random.integers(0, 2, 2000)
    features = {
        "noise": random.normal(size=2000),
        "useful": answers + 0.5 * random.normal(size=2000),
        "copy": 3.0 - answers,
        "group": answers * 10 + random.integers(0, 10, 2000),
        "gap": np.where(answers == 1, np.nan, random.normal(size=2000)),
    }
    assert find_leaks_in(features, answers, is_classification=True) == ["copy", "group", "gap"]


def test_leaks_of_a_rare_class_and_of_many_classes() -> None:
    random = np.random.default_rng(2)
    rare = (random.random(4000) < 0.02).astype(float)
    noise = random.normal(size=4000)
    assert find_leaks_in({"noise": noise, "copy": rare}, rare, is_classification=True) == ["copy"]
    many = random.integers(0, 120, 4000)
    assert find_leaks_in({"noise": noise, "copy": many}, many, is_classification=True) == ["copy"]


def test_leaks_of_an_amount() -> None:
    random = np.random.default_rng(3)
    answers = random.exponential(size=3000) ** 3
    features = {
        "noise": random.normal(size=3000),
        "useful": answers * np.exp(random.normal(size=3000)),
        "log": -np.log(answers),
        "copy": answers,
    }
    assert find_leaks_in(features, answers, is_classification=False) == ["log", "copy"]
    assert find_leaks_in(features, np.full(3000, 2.0), is_classification=False) == []


def test_few_rows_prove_no_leak() -> None:
    answers = np.tile([0.0, 1.0], 20)
    assert find_leaks_in({"copy": answers}, answers, is_classification=True) == []


def test_leaks_are_told_with_their_figures() -> None:
    (told,) = read_messages(find_leaks([("refund", 1.0), ("ended: month", 0.9912)]))
    assert "'refund' (100.0%), 'ended: month' (99.1%)" in told
    assert told.startswith("2 features are alone enough to tell the target")
