"""The model as users have it: tables of every kind in, answers of the same kind out."""

from __future__ import annotations

import gzip
import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.engine import Budget, Model, ProblemType, Task, fit, load
from gyropilot.engine.errors import DataError, RequestError, TaskError

HERE = Budget(max_candidates=1, in_process=True)
LINEAR = ("linear-learner",)


def make_frame(rows: int = 200) -> pd.DataFrame:
    """Return a frame with a column of every type that pandas has for cells, some missing."""
    random = np.random.default_rng(3)
    amount = random.normal(size=rows)
    frame = pd.DataFrame(
        {
            "amount": amount,
            "count": pd.array(random.integers(0, 9, rows), dtype="Int64"),
            "is_new": pd.array(random.random(rows) < 0.5, dtype="boolean"),
            "colour": pd.Categorical(random.choice(["red", "green", "blue"], rows)),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, rows), unit="D"),
            "took": pd.to_timedelta(random.integers(1, 90, rows), unit="s"),
            "mixed": pd.Series([number if number % 2 else "none" for number in range(rows)], dtype=object),
            "label": (amount + random.normal(size=rows) / 5 > 0).astype(int),
        },
        index=pd.Index(range(1000, 1000 + rows), name="key"),
    )
    frame.loc[frame.index[::11], ["amount", "count", "is_new", "colour", "when", "took", "mixed"]] = None
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> Model:
    return fit(frame, Task(target="label", algorithms=LINEAR), HERE)


@pytest.fixture(scope="module")
def regression() -> Model:
    random = np.random.default_rng(0)
    x, z = random.normal(size=100), random.normal(size=100)
    return fit({"x": x, "z": z, "y": 3 * x + z}, Task(target="y", algorithms=LINEAR), HERE)


def test_pandas_in_pandas_out(model: Model, frame: pd.DataFrame) -> None:
    assert model.feature_names == ("amount", "count", "is_new", "colour", "when", "took", "mixed")
    labels = model.predict(frame)
    assert isinstance(labels, pd.Series)
    assert (labels.name, labels.dtype) == ("label", np.int64)
    pd.testing.assert_index_equal(labels.index, frame.index)
    assert (labels == frame["label"]).mean() > 0.85
    probabilities = model.predict_proba(frame)
    assert list(probabilities.columns) == [0, 1]
    pd.testing.assert_index_equal(probabilities.index, frame.index)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_the_same_rows_give_the_same_answers_whatever_holds_them(
    model: Model, frame: pd.DataFrame, tmp_path: Path
) -> None:
    expected = model.predict_proba(frame).to_numpy()
    plain = frame.drop(columns="mixed").assign(mixed=[None if pd.isna(cell) else str(cell) for cell in frame["mixed"]])
    table = pa.Table.from_pandas(plain, preserve_index=False)
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    plain.assign(took=plain["took"].dt.total_seconds()).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress((tmp_path / "rows.csv").read_bytes()))
    rows = table.to_pylist()
    for data in (
        table,
        table.to_reader(),
        rows,
        table.to_pydict(),
        tmp_path / "rows.parquet",
        str(tmp_path / "rows.csv"),
        tmp_path / "rows.csv.gz",
    ):
        given = model.predict_proba(data)
        assert isinstance(given, np.ndarray)
        np.testing.assert_array_equal(given, expected)


def test_polars_in_polars_out(model: Model, frame: pd.DataFrame) -> None:
    polars = pytest.importorskip("polars")
    plain = frame.drop(columns="mixed").assign(mixed=[None if pd.isna(cell) else str(cell) for cell in frame["mixed"]])
    data = polars.from_arrow(pa.Table.from_pandas(plain, preserve_index=False))
    assert model.predict(data).to_list() == model.predict(frame).to_list()
    probabilities = model.predict_proba(data)
    assert probabilities.columns == ["0", "1"]
    np.testing.assert_array_equal(probabilities.to_numpy(), model.predict_proba(frame).to_numpy())


def test_columns_are_found_by_their_names(regression: Model) -> None:
    one = regression.predict({"x": [1.0, 2.0], "z": [0.0, 1.0]})
    np.testing.assert_array_equal(regression.predict({"other": ["a", "b"], "z": [0, 1], "x": ["1", "2"]}), one)
    np.testing.assert_array_equal(regression.predict(np.array([[1.0, 0.0], [2.0, 1.0]])), one)
    np.testing.assert_array_equal(regression.predict([{"x": 1.0, "z": 0}, {"z": 1, "x": Decimal(2)}]), one)
    assert one.dtype == np.float64


def test_a_missing_cell_is_missing_however_it_is_written(regression: Model) -> None:
    expected = regression.predict({"x": [""], "z": ["1"]})
    for nothing in (None, float("nan"), np.nan):
        np.testing.assert_array_equal(regression.predict([{"x": nothing, "z": 1}]), expected)
    for column in (pd.Series([pd.NA], dtype="Float64"), pd.Series([pd.NA], dtype=object), pd.Series([np.nan])):
        np.testing.assert_array_equal(regression.predict(pd.DataFrame({"x": column, "z": [1]})), expected)
    np.testing.assert_array_equal(regression.predict([{"z": 1}, {"x": 3, "z": 1}])[:1], expected)
    np.testing.assert_array_equal(regression.predict(np.array([[np.nan, 1]])), expected)


def test_no_rows_give_no_answers(regression: Model, model: Model, frame: pd.DataFrame) -> None:
    assert regression.predict(np.empty((0, 2))).shape == (0,)
    assert model.predict_proba(frame.iloc[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([3, 7], np.int64),
        ([0.5, 1.0], np.float64),
        ([2.0, 4.0], np.float64),
        ([False, True], np.bool_),
        (["1", "2"], np.str_),
        (["no", "yes"], np.str_),
    ],
)
def test_labels_come_back_as_they_were(labels: list[Any], kind: type[Any], tmp_path: Path) -> None:
    x = np.arange(40.0)
    table = pa.table({"x": x, "label": [labels[int(value >= 20)] for value in x]})
    task = Task(target="label", algorithms=LINEAR, problem_type=ProblemType.BINARY)
    fit(table, task, HERE).save(tmp_path / "model.tar.gz")
    model = load(tmp_path / "model.tar.gz")
    assert model.classes == tuple(labels)
    given = model.predict(pa.table({"x": [0.0, 39.0]}))
    assert given.tolist() == labels
    assert given.dtype.type is kind
    assert model.evaluate(table)["accuracy"] > 0.9
    assert model.evaluate(table.slice(30))["accuracy"] == 1


@pytest.mark.parametrize(
    ("words", "labels"), [(("1", "2"), (1, 2)), (("01", "02"), ("01", "02")), (("False", "True"), (False, True))]
)
def test_labels_of_a_csv_are_read_as_they_are_written(
    words: tuple[str, str], labels: tuple[Any], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x,label\n" + "".join(f"{number},{words[number >= 20]}\n" for number in range(40)))
    assert fit(path, Task(target="label", algorithms=LINEAR), HERE).classes == labels


def test_dates_are_understood_however_the_training_data_wrote_them() -> None:
    days = [date(2024, 1 + number % 12, 1 + number % 28) for number in range(60)]
    answers = [(day - date(2024, 1, 1)).days for day in days]
    written = {"when": [day.strftime("%m/%d/%Y") for day in days], "y": [float(answer) for answer in answers]}
    model = fit(written, Task(target="y", algorithms=LINEAR), HERE)
    expected = model.predict(written)
    assert expected.std() > 50
    for values in (days, np.array(days, dtype="datetime64[ns]"), pd.to_datetime(pd.Series(days)), list(map(str, days))):
        given = model.predict(pd.DataFrame({"when": values}))
        if isinstance(values, list) and isinstance(values[0], str):
            assert given.std() == 0  # text in another format is no date of this model
        else:
            np.testing.assert_array_equal(given, expected)


def test_evaluation_repeats_the_metrics_of_training(model: Model, frame: pd.DataFrame, regression: Model) -> None:
    figures = model.evaluate(frame)
    assert list(figures) == [figure.metric for figure in model.manifest.figures]
    assert figures["accuracy"] == (model.predict(frame) == frame["label"]).mean()
    some = frame.assign(label=frame["label"].astype("Int64"))
    some.iloc[:50, some.columns.get_loc("label")] = pd.NA
    assert model.evaluate(some) == model.evaluate(frame.iloc[50:])
    strangers = {"x": [1.0, 1.0], "z": [0.0, 0.0], "y": [3.0, None]}
    assert regression.evaluate(strangers)["mae"] == pytest.approx(abs(3 - regression.predict(strangers)[0]))
    assert np.isnan(regression.evaluate(strangers)["r2"])


def test_a_label_that_the_model_does_not_know_is_an_error_of_the_model(model: Model, frame: pd.DataFrame) -> None:
    odd = frame.iloc[:40].assign(label=2)
    assert model.evaluate(odd)["accuracy"] == 0


def test_row_weights_count_in_the_evaluation() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=100)
    table = {"x": x, "w": np.ones(100), "label": np.where(x > 0, "up", "down")}
    model = fit(table, Task(target="label", weight_column="w", algorithms=LINEAR), HERE)
    unseen = {"x": [2.0, 2.0, 2.0], "w": [3.0, 1.0, None], "label": ["up", "down", "down"]}
    assert model.evaluate(unseen)["accuracy"] == 0.75
    with pytest.raises(RequestError, match="lacks the column 'w'"):
        model.evaluate({"x": [2.0], "label": ["up"]})
    with pytest.raises(RequestError, match="no row with a target in column 'label' and a weight above 0"):
        model.evaluate({"x": [2.0], "w": [0.0], "label": ["up"]})


def test_a_model_survives_files_and_processes(regression: Model, tmp_path: Path) -> None:
    rows = np.array([[1.0, 2.0]])
    expected = regression.predict(rows)
    regression.save(tmp_path / "model.tar.gz")
    loaded = load(tmp_path / "model.tar.gz")
    loaded.save(tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == (tmp_path / "model.tar.gz").read_bytes()
    copied = pickle.loads(pickle.dumps(regression))  # what its owner may do with what is his
    for each in (loaded, copied):
        np.testing.assert_array_equal(each.predict(rows), expected)
    assert copied.leaderboard() == regression.leaderboard()


def test_a_bundle_folder_is_a_model(tmp_path: Path) -> None:
    table = {"x": np.arange(40.0), "y": np.arange(40.0)}
    model = fit(table, Task(target="y", algorithms=LINEAR), HERE, folder=tmp_path / "run")
    model.save(tmp_path / "one.tar.gz")
    load(model.candidates[0].folder).save(tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_the_leaderboard_holds_every_candidate(frame: pd.DataFrame) -> None:
    task = Task(target="label", objective="auc", algorithms=("linear-learner", "lightgbm"))
    model = fit(frame, task, Budget(max_candidates=3, in_process=True))
    board = model.leaderboard()
    assert board.column_names[:3] == ["id", "algorithm", "auc"]
    assert board.column_names[-3:] == ["fit_seconds", "latency_seconds", "size_bytes"]
    assert len(board) == len(model.candidates) >= 2
    assert board["auc"].to_pylist() == sorted(board["auc"].to_pylist(), reverse=True)
    assert min(board["size_bytes"].to_pylist()) > 100


def test_what_does_not_fit_is_told(model: Model, regression: Model, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"lacks columns that the model learned from: \['z'\]"):
        regression.predict({"x": [1.0]})
    with pytest.raises(RequestError, match=r"shape \(1, 3\); the model needs \(rows, 2\)"):
        regression.predict(np.ones((1, 3)))
    with pytest.raises(RequestError, match="lacks the column 'y'"):
        regression.evaluate({"x": [1.0], "z": [1.0]})
    with pytest.raises(TaskError, match="regression gives no probabilities"):
        regression.predict_proba({"x": [1.0], "z": [1.0]})
    with pytest.raises(DataError, match=r"There is no file 'nowhere\.csv'"):
        regression.predict("nowhere.csv")
    with pytest.raises(DataError, match="Cannot read a int as a table"):
        regression.predict(3)
    with pytest.raises(DataError, match="Duplicate column names were found: 'x'"):
        regression.predict(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(DataError, match=r"Column 'x' holds a dict; a cell is text, a number"):
        regression.predict([{"x": {"a": 1}, "z": 1}, {"x": 1, "z": 1}])
    model.save(tmp_path / "model.tar.gz")
    with pytest.raises(TaskError, match="loaded is one candidate"):
        load(tmp_path / "model.tar.gz").leaderboard()


def test_engine_errors_about_values_are_value_errors() -> None:
    assert all(issubclass(kind, ValueError) for kind in (DataError, TaskError, RequestError))
