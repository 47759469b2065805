"""Bad input of every kind: a clear error, or a stated rule and a finding."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine import Budget, ColumnKind, Task, fit
from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.data.source import Files, InMemory
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.errors import DataError, TaskError
from gyropilot.engine.problems.tabular.prepare import Prepared, prepare

ONE = Budget(max_candidates=1, cores=1)


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    quoted = [",".join('"' + str(cell).replace('"', '""') + '"' for cell in row) for row in (header, *rows)]
    path.write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return path


def prepare_file(path: Path, task: Task | None = None, *, validation: Path | None = None) -> Prepared:
    scored = Files(paths=[validation]) if validation else None
    return prepare(Files(paths=[path]), scored, task or Task(target="y"), path.parent / "run")


def read_messages(prepared: Prepared) -> list[str]:
    return [finding.message for finding in prepared.findings]


def prepare_columns(folder: Path, columns: Mapping[str, Any], task: Task | None = None) -> Prepared:
    return prepare(InMemory(pa.table(columns)), None, task or Task(target="y"), folder / "run")


def read_features(folder: Path) -> np.ndarray:
    """Return the encoded rows of the table; rows that models are only checked with come after them."""
    data = read_training_data(folder / "run" / "data")
    return np.array(data.features[: len(data.target)])


def amounts(rows: int, seed: int = 0) -> list[float]:
    return [float(each) for each in np.random.default_rng(seed).normal(size=rows)]


# --- files ------------------------------------------------------------------------------------------------------------


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", "x,y\n1,a\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv is empty"),
        (b"\r\n", "t.csv holds nothing but blank lines"),
        (b"x,y\n", "t.csv has a header but no rows"),
        (b"x,y,x\n1,a,2\n", r"Duplicate column names were found: 'x' \(columns 1, 3\)"),
        (b"x;y\n1;a\n", "t.csv has one column, and its name holds semicolons"),
        (gzip.compress(b"x,y\n1,a\n", mtime=0), "t.csv is compressed with gzip"),
        ("x,y\n1,a\n".encode("utf-16"), "t.csv is in UTF-16, not in UTF-8"),
        ("x,y\n1,é\n".encode("latin-1"), "t.csv is not in UTF-8: line 2, byte 7"),
        (b'x,y\n1,"a\n2,b\n', "t.csv, line 2: a quotation mark opens a cell that never ends"),
        (b"x,y\n1\n2\n3,a\n", "2 of 3 rows do not have the header's 2 columns"),
        (b"x,z\n1,a\n", "Target attribute name y does not exist in header"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        prepare_file(tmp_path / "t.csv")


def test_a_csv_that_is_a_zip(tmp_path: Path) -> None:
    zipped(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"t\.csv is a ZIP archive or an Excel file, not a CSV file"):
        prepare_file(tmp_path / "t.csv")


def test_a_gzip_that_is_a_zip(tmp_path: Path) -> None:
    zipped(tmp_path / "t.csv.gz")
    with pytest.raises(DataError, match="is not compressed with gzip, though its compression type says so"):
        fit(tmp_path / "t.csv.gz", "y", ONE)


# --- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([None] * 40, "The target 'y' is empty in every row"),
        (["a"] * 40, "The target 'y' has one class only, 'a'"),
        (["a"] * 39 + ["b"], "one class only, 'a' besides classes of a single row"),
        ([f"w{row}" for row in range(40)], "no class of 2 rows"),
        ([f"w{row % 120}" for row in range(240)], "The problem type cannot be inferred"),
        ([None] * 31 + ["a", "b", "c"] * 3, "There are 9 rows with a target; at least 10 are needed"),
        ([float("inf")] * 20 + [None] * 20, "The target 'y' is empty in every row"),
    ],
)
def test_targets_that_teach_nothing(tmp_path: Path, cells: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepare_columns(tmp_path, {"x": amounts(len(cells)), "y": cells})


@pytest.mark.filterwarnings("ignore:Using the fractional value max_samples")
def test_three_rows_per_class_train(tmp_path: Path) -> None:
    """With every algorithm and in every fold, and to the end in one run."""
    labels = ["a", "b", "c", "d"] * 3
    table = {"x": [ord(label) + each / 9 for label, each in zip(labels, amounts(12), strict=True)], "y": labels}
    prepared = prepare_columns(tmp_path, table)
    assert any("4 classes have fewer rows than there are folds (5)" in finding.message for finding in prepared.findings)
    data = read_training_data(tmp_path / "run" / "data")
    for name in ALGORITHMS:
        train_every_fold(name, data, prepared.fold_count)
    fitted = fit(pa.table(table), "y", ONE)
    assert fitted.predictor.classes == ("a", "b", "c", "d")


@pytest.mark.parametrize("counts", [(30, 2), (30, 2, 2)])
def test_two_rows_of_a_class_train(tmp_path: Path, counts: tuple[int, ...]) -> None:
    labels = [word for word, count in zip("abc", counts, strict=False) for _ in range(count)]
    prepared = prepare_columns(tmp_path, {"x": amounts(len(labels)), "z": ["u", "v"] * (len(labels) // 2), "y": labels})
    data = read_training_data(tmp_path / "run" / "data")
    for name in ALGORITHMS:
        train_every_fold(name, data, prepared.fold_count)


def train_every_fold(name: str, data: TrainingData, folds: int) -> None:
    algorithm = ALGORITHMS[name]
    if data.problem_type not in algorithm.abilities.problem_types:
        return
    parameters = algorithm.configurations(data.problem_type, len(data.target))[0].parameters
    for fold in range(folds):
        training = algorithm.begin(data, fold, parameters, 0)
        progress = training.advance(2, 1.0)
        scores = training.predict(len(progress.losses))
        assert scores.shape == (len(data.validation_rows(fold)), data.output_count), name
        assert np.isfinite(scores).all(), name
        assert np.isfinite(progress.losses).all(), name


# --- columns ----------------------------------------------------------------------------------------------------------


def test_columns_that_say_nothing(tmp_path: Path) -> None:
    columns = {"x": [1.0] * 40, "z": ["w"] * 40, "e": [None] * 40, "y": ["a", "b"] * 20}
    with pytest.raises(
        DataError, match="No column can be learned from: 'x': it is constant; 'z': it is constant; 'e': it is empty"
    ):
        prepare_columns(tmp_path, columns)


def test_no_column_besides_the_target(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No column can be learned from: there is none besides the target"):
        prepare_columns(tmp_path, {"y": ["a", "b"] * 20})


def test_names_with_quotes_line_ends_and_letters_of_all_kinds(tmp_path: Path) -> None:
    names = ['say "x"', "two\nlines", "größe, 東京 🎲", " ", "", "a'b", "y"]
    rows = [[*map(str, amounts(6, row)), "up" if amounts(1, row)[0] > 0 else "down"] for row in range(60)]
    path = write(tmp_path / "t.csv", names, rows)
    assert prepare_file(path).encoder.columns == tuple(names[:-1])
    fitted = fit(path, "y", ONE)
    assert fitted.predictor.feature_names == tuple(names[:-1])
    assert fitted.predictor.predict_rows([["2", "0", "0", "0", "0", "0"]]).labels == ("up",)


def test_a_target_with_a_strange_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ["x", 'the "y"\n東京'], [[each, each > 0] for each in amounts(60)])
    assert prepare_file(path, Task(target='the "y"\n東京')).classes == ("False", "True")


def test_infinities_count_as_missing(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv",
        ["x", "y"],
        [[cell, "ab"[row % 2]] for row, cell in enumerate([*amounts(57), "inf", "-Infinity", "1e39"])],
    )
    prepared = prepare_file(path)
    assert "Infinite numbers, and those beyond 3e+38, count as missing, in 'x' (3)." in read_messages(prepared)
    features = read_features(tmp_path)
    assert np.isnan(features[-3:, 0]).all()
    assert np.isfinite(features[:-3]).all()


def test_numbers_as_text(tmp_path: Path) -> None:
    """Numbers in quotes, in a column of text, with marks or among a few words: they are numbers."""
    rows = amounts(60)
    columns = {
        "text": [f" {each:.3f}" for each in rows],
        "money": [f"${abs(each) * 1e4:,.2f}" for each in rows],
        "words": [*map(str, rows[:58]), "unknown", "broken"],
        "y": ["a", "b"] * 30,
    }
    prepared = prepare_columns(tmp_path, columns)
    assert [encoder.__struct_config__.tag for encoder in prepared.encoder.encoders] == ["numeric"] * 3
    assert "Words among numbers count as missing, in 'words' (2, such as 'unknown')." in read_messages(prepared)
    features = read_features(tmp_path)
    np.testing.assert_allclose(features[:, 0], rows, atol=1e-3)
    np.testing.assert_allclose(features[:, 1], np.abs(rows) * 1e4, rtol=1e-3, atol=0.01)
    assert np.isnan(features[:, 2]).tolist() == [False] * 58 + [True] * 2


def test_rows_and_columns_that_repeat(tmp_path: Path) -> None:
    rows = amounts(40) * 2
    columns = {"x": rows, "again": rows, "id": [float(row) for row in range(80)], "y": ["a", "b"] * 40}
    findings = read_messages(prepare_columns(tmp_path, columns))
    assert "1 column is not learned from, because it repeats another column: 'again' ('x')." in findings
    assert any(finding.startswith("40 rows are equal to an earlier one (50.0%)") for finding in findings)
    assert any("say that it names rows: 'id'" in finding for finding in findings)


def test_a_column_that_holds_the_answer(tmp_path: Path) -> None:
    labels = ["a", "b"] * 50
    columns = {"x": amounts(100), "verdict": ["guilty" if label == "a" else "free" for label in labels], "y": labels}
    findings = read_messages(prepare_columns(tmp_path, columns))
    assert any(
        "1 feature is alone enough to tell the target" in each and "'verdict' (100.0%)" in each for each in findings
    )


def test_ten_thousand_columns(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cells = random.normal(size=(40, 10_000)).round(3)
    labels = np.where(cells[:, 0] > 0, "up", "down")
    path = tmp_path / "t.csv"
    lines = [",".join([*map(str, row), label]) for row, label in zip(cells, labels, strict=True)]
    path.write_text("\n".join([",".join([*(f"c{number}" for number in range(10_000)), "y"]), *lines]))
    prepared = prepare_file(path)
    assert len(prepared.encoder.encoders) == 10_000
    assert read_features(tmp_path).shape == (40, 10_000)


# --- validation data --------------------------------------------------------------------------------------------------


def test_validation_data_with_other_columns(tmp_path: Path) -> None:
    rows = [[each, each, "ab"[number % 2]] for number, each in enumerate(amounts(40))]
    path = write(tmp_path / "t.csv", ["x", "z", "y"], rows)
    other = write(tmp_path / "v.csv", ["x", "w", "y"], rows)
    with pytest.raises(DataError, match=r"The validation data lacks columns of the training data: \['z'\]"):
        prepare_file(path, validation=other)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (["x", "y"], ["1", ""], "The validation data has no row with a target"),
        (["x", "x"], ["1", "a"], "v.csv: Duplicate column names"),
    ],
)
def test_validation_data_that_is_none(tmp_path: Path, header: list[str], row: list[str], message: str) -> None:
    path = write(tmp_path / "t.csv", ["x", "y"], [[each, "ab"[number % 2]] for number, each in enumerate(amounts(40))])
    with pytest.raises(DataError, match=message):
        prepare_file(path, validation=write(tmp_path / "v.csv", header, [row]))


def test_validation_data_in_another_order_with_other_cells(tmp_path: Path) -> None:
    """Columns are found by name; codes that look like numbers stay what they were in training."""
    codes = ["007", "x1", "010"] * 14
    path = write(tmp_path / "t.csv", ["code", "n", "y"], [[code, row, "ab"[row % 2]] for row, code in enumerate(codes)])
    other = write(tmp_path / "v.csv", ["y", "more", "n", "code"], [["a", 1, "5", "007"], ["c", 2, "many", "010"]])
    prepared = prepare_file(path, validation=other)
    features = read_features(tmp_path)
    assert features[-2:, 0].tolist() == [features[0, 0], features[2, 0]]
    assert features[-2, 1] == 5
    assert np.isnan(features[-1, 1])
    assert "Validation data: 1 rows have a class that the training data does not have." in read_messages(prepared)


# --- a choice of features ---------------------------------------------------------------------------------------------


def test_chosen_features_and_kinds(tmp_path: Path) -> None:
    columns = {"a": amounts(40), "b": amounts(40, 1), "zip": ["00501", "10001"] * 20, "y": ["u", "v"] * 20}
    task = Task(target="y", features=("zip", "b"), column_kinds={"zip": ColumnKind.CATEGORICAL})
    prepared = prepare_columns(tmp_path, columns, task)
    assert prepared.encoder.columns == ("a", "b", "zip")
    assert [encoder.name for encoder in prepared.encoder.encoders] == ["b", "zip"]
    assert prepared.encoder.encoders[1].categories == ("00501", "10001")  # type: ignore[union-attr]  # it is one
    assert "1 column is not learned from, because it is not among the features that were chosen: 'a'." in (
        read_messages(prepared)
    )


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({"features": ("x", "no")}, DataError, r"Features are named that are not in the header: \['no'\]"),
        ({"column_kinds": {"no": ColumnKind.TEXT}}, DataError, "not in the header"),
        ({"features": ("y",)}, TaskError, "The column 'y' is the target or the weight column"),
        ({"column_kinds": {"y": ColumnKind.TEXT}}, TaskError, "The column 'y' is the target"),
        (
            {"features": ("x",), "column_kinds": {"z": ColumnKind.TEXT}},
            TaskError,
            r"not among the features: \['z'\]",
        ),
        ({"column_kinds": {"z": ColumnKind.DATETIME}}, DataError, "Column 'z' is said to hold dates, but no format"),
    ],
)
def test_choices_that_do_not_fit(tmp_path: Path, choice: dict[str, Any], error: type[Exception], message: str) -> None:
    columns = {"x": amounts(40), "z": ["u", "v"] * 20, "y": ["a", "b"] * 20}
    with pytest.raises(error, match=message):
        prepare_columns(tmp_path, columns, Task(target="y", **choice))
