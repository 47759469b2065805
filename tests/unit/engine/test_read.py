"""Reading CSV and Parquet: every kind of bad file gets a sentence that says what is wrong."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.engine.data.read import adopt_table, read_table
from gyropilot.engine.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_cells_stay_text_and_empty_ones_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,"b, c",d\n 1 ,"x ""y""",007\n,,NA\n')
    assert read_table([path]).columns.to_pylist() == [
        {"a": " 1 ", "b, c": 'x "y"', "d": "007"},
        {"a": None, "b, c": None, "d": "NA"},
    ]


def test_quoted_newlines_carriage_returns_and_mark_of_byte_order(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffa,"b\nc"\r\n1,"two\nlines"\r\n')
    assert read_table([path]).columns.to_pylist() == [{"a": "1", "b\nc": "two\nlines"}]


def test_several_files_of_one_header(tmp_path: Path) -> None:
    paths = [write(tmp_path, "a,b\n1,2\n", "1.csv"), write(tmp_path, "a,b\n3,4\n", "2.csv")]
    assert read_table(paths).columns.column("b").to_pylist() == ["2", "4"]


def test_gzip(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "data.csv.gz")
    assert read_table([path], compression="gzip").columns.to_pylist() == [{"a": "1", "b": "2"}]


def test_ragged_rows_are_left_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1,2\n" * 20 + "3\n" + "4,5,6\n")
    raw = read_table([path])
    assert raw.columns.num_rows == 20
    assert raw.skipped_rows == 2
    assert "line 22: 1 cells where 2 are expected" in raw.skipped_examples[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has a header but no rows"),
        (b"a,b,a\n1,2,3\n", "Duplicate column names were found: 'a'"),
        (b"a,b\n" + b"1\n" * 10 + b"1,2\n", "10 of 11 rows do not have the header's 2 columns"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "is compressed with gzip"),
        (b"a,b\n\xff\xfe,2\n", "cannot be read"),
    ],
)
def test_bad_csv_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table([write(tmp_path, content)])


def test_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="is a ZIP archive"):
        read_table([path])


def test_other_columns_are_told(tmp_path: Path) -> None:
    paths = [write(tmp_path, "a,b\n1,2\n", "1.csv"), write(tmp_path, "a,c\n3,4\n", "2.csv")]
    with pytest.raises(DataError, match=r"2.csv has other columns than 1.csv: missing \['b'\], added \['c'\]"):
        read_table(paths)


def test_parquet_holds_what_its_csv_would(tmp_path: Path) -> None:
    table = pa.table(
        {"n": [1, None], "b": [True, None], "s": ["x", ""], "d": pa.array(["u", None]).dictionary_encode()}
    )
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert read_table([tmp_path / "t.parquet"], data_format="parquet").columns.to_pylist() == [
        {"n": 1.0, "b": "True", "s": "x", "d": "u"},
        {"n": None, "b": None, "s": None, "d": None},
    ]


def test_parquet_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a Parquet file"):
        read_table([write(tmp_path, "a,b\n1,2\n")], data_format="parquet")


def test_nested_columns_are_told() -> None:
    with pytest.raises(DataError, match="Column 'a' has the type list"):
        adopt_table(pa.table({"a": [[1, 2]]}))


def test_text_and_categories_of_every_make_are_text() -> None:
    words = ["a", "", None]
    table = pa.table({str(kind): pa.array(words, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())})
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        levels = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint32()), pa.array(["a", ""], kind))
        table = table.append_column(f"categories of {kind}", levels)
    for column in adopt_table(table).columns.columns:
        assert column.type == pa.string()
        assert column.to_pylist() == ["a", None, None]


def test_spans_of_time_are_seconds_and_what_is_no_number_is_missing() -> None:
    spans = [pa.array([1500, None], pa.duration(unit)) for unit in ("ms", "us", "ns")]
    table = pa.table([*spans, pa.array([float("nan"), 1.0])], names=["ms", "us", "ns", "f"])
    assert adopt_table(table).columns.to_pylist() == [
        {"ms": 1.5, "us": 0.0015, "ns": 1e-6, "f": None},
        {"ms": None, "us": None, "ns": None, "f": 1.0},
    ]


def test_columns_know_what_they_were() -> None:
    table = adopt_table(pa.table({"n": [1], "b": [True], "s": ["x"], "d": [date(2024, 1, 2)]})).columns
    kinds = {field.name: field.metadata[b"type"].decode() for field in table.schema}
    assert kinds == {"n": "int64", "b": "bool", "s": "string", "d": "date32[day]"}


def test_cells_of_several_types_become_text() -> None:
    moment = datetime(2024, 1, 2, 3)
    cells = ["x", 1, 2.0, 0.5, True, None, float("nan"), moment, np.float32(3), np.int64(4), Decimal("1.50")]
    assert adopt_table({"a": cells}).columns.column("a").to_pylist() == [
        *("x", "1", "2", "0.5", "True", None, None, "2024-01-02T03:00:00", "3", "4", "1.50")
    ]


def test_rows_by_name_have_the_columns_of_all_rows() -> None:
    assert adopt_table([{"a": 1}, {"b": "x"}]).columns.to_pylist() == [{"a": 1.0, "b": None}, {"a": None, "b": "x"}]
