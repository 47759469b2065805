"""Data sets of a folder with a manifest, and their division into rows to train on and rows to be scored on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

MANIFEST = "manifest.json"
PROBLEMS = {
    "BinaryClassification": "binary",
    "MulticlassClassification": "multiclass",
    "Regression": "regression",
}
TEST_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A table of the folder."""

    name: str
    path: Path
    target: str
    problem: str
    """`binary`, `multiclass` or `regression`."""
    weight: str
    """The column of row weights; empty: none."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Two Parquet files of the same columns."""

    train: Path
    test: Path


def read_manifest(folder: Path, names: Sequence[str] = ()) -> list[DataSet]:
    """Return the data sets of a folder, or those of these names, in the manifest's order.

    Raises:
        KeyError: when a name is not in the manifest.
    """
    entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    known = [
        DataSet(
            name=entry["name"],
            path=folder / entry["file"],
            target=entry["target"],
            problem=PROBLEMS[entry["problem_type"]],
            weight=entry.get("sample_weight_column") or "",
        )
        for entry in entries
        if entry["problem_type"] in PROBLEMS
    ]
    missing = set(names) - {data.name for data in known}
    if missing:
        raise KeyError(f"not in the manifest: {', '.join(sorted(missing))}")
    return [data for data in known if not names or data.name in names]


def read_table(data: DataSet) -> pa.Table:
    """Read a CSV: numbers as numbers, everything else (dates too, and the classes) as text; empty cells are missing.

    Rows without a target are left out.
    """
    table = _read_csv(data.path, {})
    texts = {field.name: pa.string() for field in table.schema if not _is_number(field.type)}
    if data.problem != "regression":
        texts[data.target] = pa.string()
    table = _read_csv(data.path, texts)
    return table.filter(table.column(data.target).is_valid())


def _read_csv(path: Path, types: dict[str, pa.DataType]) -> pa.Table:
    options = pa.csv.ConvertOptions(null_values=[""], strings_can_be_null=True, column_types=types)
    return pa.csv.read_csv(path, convert_options=options)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def write_split(data: DataSet, *, seed: int, folder: Path) -> Split:
    """Divide a data set, three quarters to a quarter, and write both parts."""
    table = read_table(data)
    labels = None if data.problem == "regression" else np.array(table.column(data.target).to_pylist())
    train, test = divide_rows(len(table), labels, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    split = Split(train=folder / "train.parquet", test=folder / "test.parquet")
    pq.write_table(table.take(train), split.train)
    pq.write_table(table.take(test), split.test)
    return split


def divide_rows(
    rows: int, labels: NDArray[np.str_] | None, *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the rows to train on and to be scored on, each in a random order.

    With labels every class is divided by itself; a class of a single row is trained on.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(rows)
    is_test = np.zeros(rows, dtype=bool)
    if labels is None:
        is_test[order[: round(TEST_SHARE * rows)]] = True
    else:
        for label in np.unique(labels):
            members = order[labels[order] == label]
            is_test[members[: round(TEST_SHARE * len(members))]] = True
    return order[~is_test[order]], order[is_test[order]]
