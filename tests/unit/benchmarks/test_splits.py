from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.splits import divide_rows, read_manifest, write_split


def test_every_row_is_in_one_part() -> None:
    train, test = divide_rows(1_001, None, seed=3)
    assert sorted([*train, *test]) == list(range(1_001))
    assert len(test) == 250


def test_every_class_is_divided_by_itself() -> None:
    labels = np.array(["a"] * 80 + ["b"] * 8 + ["c"] * 2 + ["d"])
    train, test = divide_rows(len(labels), labels, seed=0)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert [int((labels[test] == label).sum()) for label in "abcd"] == [20, 2, 0, 0]


def test_the_seed_decides() -> None:
    first, second, other = (divide_rows(100, None, seed=seed)[1].tolist() for seed in (0, 0, 1))
    assert first == second != other


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"{number},{'' if number == 2 else 'x'},2024-01-{number % 28 + 1:02},{number % 2}" for number in range(40)]
    text = "\n".join(["amount,word,day,class", *rows, "7,x,2024-01-01,"])
    (tmp_path / "small.csv").write_text(text + "\n", encoding="utf-8")
    entry = {"name": "small", "file": "small.csv", "target": "class", "problem_type": "BinaryClassification"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]), encoding="utf-8")
    return tmp_path


def test_numbers_are_numbers_and_everything_else_is_text(folder: Path, tmp_path: Path) -> None:
    (data,) = read_manifest(folder)
    split = write_split(data, seed=0, folder=tmp_path / "split")
    train, test = pq.read_table(split.train), pq.read_table(split.test)
    assert [str(field.type) for field in train.schema] == ["int64", "string", "string", "string"]
    assert train.schema == test.schema
    assert (len(train), len(test)) == (30, 10)
    assert train.column("word").null_count + test.column("word").null_count == 1


def test_a_name_that_is_not_in_the_manifest_is_an_error(folder: Path) -> None:
    with pytest.raises(KeyError, match="nothing"):
        read_manifest(folder, ["small", "nothing"])
