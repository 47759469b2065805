"""What exploring a table finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine.data.source import InMemory
from gyropilot.engine.explore import sample as samples
from gyropilot.engine.explore.explore import explore
from gyropilot.engine.explore.figures import ColumnFigures, Exploration
from gyropilot.engine.problems.tabular.prepare import SAMPLE, prepare
from gyropilot.engine.task import Task

ROWS = 600


def make_columns(seed: int = 0) -> dict[str, Any]:
    """Return columns of every kind, of which some tell the answer."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=ROWS)
    group = random.integers(0, 4, ROWS)
    words = np.array(["good", "fine", "bad", "awful", "late", "early"])
    is_yes = signal + 0.3 * random.normal(size=ROWS) > 0
    gap = np.where(random.random(ROWS) < 0.3, np.nan, random.normal(size=ROWS))
    age = random.integers(20, 60, ROWS).astype(float)
    age[:30] = -999
    texts = [" ".join(random.choice(words, 6)) + (" thanks a lot" if yes else " no reply yet") for yes in is_yes]
    return {
        "signal": signal,
        "twin": 2 * signal + 0.01 * random.normal(size=ROWS),
        "noise": random.normal(size=ROWS),
        "gap": gap,
        "age": age,
        "group": [f"g{number}" for number in group],
        "state": [["?", "ok"][int(random.random() < 0.8)] for _ in range(ROWS)],
        "day": [f"2024-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(ROWS)],
        "text": texts,
        "path": [f"{a:.1f};{b:.1f};{a + b:.1f}" for a, b in random.normal(size=(ROWS, 2))],
        "constant": ["x"] * ROWS,
        "answer": np.where(is_yes, "yes", "no").tolist(),
        "amount": (100 * np.exp(1.6 * signal)).round(2),
    }


def explore_columns(columns: dict[str, Any], target: str, folder: Path) -> Exploration:
    folder.mkdir(parents=True, exist_ok=True)
    prepare(InMemory(pa.table(columns)), None, Task(target=target), folder)
    return explore(folder / SAMPLE)


def without(columns: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: cells for key, cells in columns.items() if key != name}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    columns = without(make_columns(), "amount")
    columns = {name: [*cells, *list(cells)[:7]] for name, cells in columns.items()}  # seven rows twice
    return explore_columns(columns, "answer", tmp_path_factory.mktemp("binary"))


def column_of(found: Exploration, name: str) -> ColumnFigures:
    return next(each for each in found.columns if each.name == name)


def messages(found: Exploration) -> str:
    return "\n".join(str(finding) for finding in found.findings)


def test_prediction_power_tells_signal_from_noise(found: Exploration) -> None:
    powers = {each.name: each.power for each in found.columns if each.power is not None}
    assert "constant" not in powers
    assert min(powers["signal"], powers["twin"], powers["text"]) > 0.8
    assert max(powers["noise"], powers["gap"], powers["group"], powers["day"], powers["path"]) < 0.15


def test_columns_of_every_kind_are_described(found: Exploration) -> None:
    assert {each.kind.value for each in found.columns} == {"numeric", "categorical", "text", "datetime", "sequence"}
    gap = column_of(found, "gap")
    assert gap.statistics is not None
    assert gap.missing == pytest.approx(0.3 * ROWS, rel=0.2)
    assert abs(gap.statistics.mean) < 0.2
    assert column_of(found, "group").distinct == 4
    assert column_of(found, "text").distinct == 12
    assert column_of(found, "constant").left_out


def test_the_answer_along_the_best_columns(found: Exploration) -> None:
    relation = column_of(found, "signal").relation
    assert relation is not None
    shares = [answers[0] for answers in relation.answers]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert sum(relation.rows) == found.power_rows
    assert sum(each.relation is not None for each in found.columns) == 6


def test_rows_that_are_there_twice(found: Exploration) -> None:
    assert found.repeated_rows == 7
    assert [each.count for each in found.duplicates] == [2] * 7
    assert all(each.row in found.shown_rows for each in found.duplicates)


def test_columns_that_hold_nearly_the_same_and_cells_that_may_be_missing(found: Exploration) -> None:
    told = messages(found)
    assert "'signal' and 'twin' (1.00)" in told
    assert "'age' ('-999', " in told
    assert "'state' ('?', " in told
    matrix = dict(zip(found.correlated, found.correlations, strict=True))
    assert matrix["signal"][found.correlated.index("answer")] == pytest.approx(0.75, abs=0.1)


def test_unusual_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {name: random.normal(size=ROWS) for name in "abcd"}
    for name in "abcd":
        columns[name][17] = 40.0
    found = explore_columns({**columns, "y": random.normal(size=ROWS)}, "y", tmp_path)
    assert found.anomalies[0].row == 17
    assert found.anomalies[0].score < 0
    assert set(found.anomalies[0].cells) <= {f"{name} = 40" for name in "abcd"}
    assert found.anomalous_rows < 0.05 * ROWS
    assert "No column tells anything of the answer by itself" in messages(found)


def test_amounts(tmp_path: Path) -> None:
    found = explore_columns(without(make_columns(), "answer"), "amount", tmp_path)
    assert found.target.statistics is not None
    assert found.target.statistics.skew > 3
    assert len(found.target.outliers) == 10
    assert "targets are outliers" in messages(found)
    assert "skewed" in messages(found)
    assert (column_of(found, "signal").power or 0) > 0.5


def test_many_classes(tmp_path: Path) -> None:
    columns = without(make_columns(), "amount")
    found = explore_columns(columns, "group", tmp_path)
    assert {label for label, _ in found.target.labels} == {"g0", "g1", "g2", "g3"}
    assert found.target.shown_classes == tuple(label for label, _ in found.target.labels)


def test_a_long_table_is_looked_at_by_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLE_ROWS", 200)
    found = explore_columns(without(make_columns(), "amount"), "answer", tmp_path)
    assert (found.rows, found.sampled_rows) == (ROWS, 200)
    assert column_of(found, "gap").missing > 100  # of all rows


def test_a_tiny_table(tmp_path: Path) -> None:
    columns = {name: list(cells)[:12] for name, cells in without(make_columns(), "amount").items()}
    columns["answer"] = ["no", "yes"] * 6
    found = explore_columns(columns, "answer", tmp_path)
    assert all(each.power is None for each in found.columns)
    assert found.anomalies == ()


def describe_structure(value: Any) -> Any:
    """Return the names and types of a document, of lists that of their first member."""
    if isinstance(value, dict):
        return {key if not key.isdigit() else "ROW": describe_structure(cell) for key, cell in value.items()}
    if isinstance(value, list):
        return [describe_structure(value[0])] if value else []
    return type(value).__name__


def test_the_figures_keep_their_structure(found: Exploration) -> None:
    document = msgspec.json.decode(msgspec.json.encode(found))
    golden = Path(__file__).parents[2] / "data" / "exploration.json"
    assert describe_structure(document) == msgspec.json.decode(golden.read_bytes())
