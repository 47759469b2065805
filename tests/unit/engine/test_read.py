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

from gyropilot.engine.data.csv_text import guess_encoding
from gyropilot.engine.data.read import BLOCK_BYTES, RawTable, adopt_table, read_table
from gyropilot.engine.data.source import InMemory
from gyropilot.engine.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_words(*paths: Path, compression: str = "") -> RawTable:
    """Read files whose columns all stay as they are written."""
    return read_table(paths, compression=compression, words={"a", "b", "b, c", "b\nc", "d", "q\r\nr"})


# --- cells ------------------------------------------------------------------------------------------------------------


def test_columns_of_numbers_are_numbers_and_others_stay_as_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c,d,e,f\n 1 ,x,1e3,NA,$5,007\n,1,NA,?,6,8\n+3,2,inf,,7,9\n")
    assert read_table([path], words={"f"}).columns.to_pylist() == [
        {"a": 1.0, "b": "x", "c": 1000.0, "d": "NA", "e": "$5", "f": "007"},
        {"a": None, "b": "1", "c": None, "d": "?", "e": "6", "f": "8"},
        {"a": 3.0, "b": "2", "c": float("inf"), "d": None, "e": "7", "f": "9"},
    ]


def test_cells_keep_their_spelling_and_empty_ones_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,"b, c",d\n 1 ,"x ""y""",007\n,,NA\n"",5" disk,\n')
    assert read_words(path).columns.to_pylist() == [
        {"a": " 1 ", "b, c": 'x "y"', "d": "007"},
        {"a": None, "b, c": None, "d": "NA"},
        {"a": None, "b, c": '5" disk', "d": None},
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "END"])
def test_line_ends_and_the_last_line(tmp_path: Path, end: str, last: str) -> None:
    text = end.join(["a,b", "1,x", "", "2,y", *(["3,z"] if not last else ["3,z", ""])])
    assert read_words(write(tmp_path, text)).columns.to_pydict() == {"a": ["1", "2", "3"], "b": ["x", "y", "z"]}


def test_quoted_line_ends_carriage_returns_and_mark_of_byte_order(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffa,"b\nc","q\r\nr"\r\n1,"two\nlines",x\r\n')
    assert read_words(path).columns.to_pylist() == [{"a": "1", "b\nc": "two\nlines", "q\r\nr": "x"}]


def test_a_row_longer_than_most_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1," + "x" * 3_000_000 + "\n2,y\n")
    assert [len(cell) for cell in read_words(path).columns.column("b").to_pylist()] == [3_000_000, 1]


def test_gzip(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "data.csv.gz")
    assert read_words(path, compression="gzip").columns.to_pylist() == [{"a": "1", "b": "2"}]


def test_a_table_in_memory_is_read_like_a_file() -> None:
    raw = InMemory(pa.table({"a": ["1", "2"], "b": ["1", "x"], "c": [1.0, float("nan")]})).read()
    assert raw.columns.to_pydict() == {"a": [1.0, 2.0], "b": ["1", "x"], "c": [1.0, None]}


def test_what_a_column_was_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"text": ["1", "2"], "whole": [1, 2], "yes": [True, None]})
    pyarrow.parquet.write_table(table, path)
    for raw in (InMemory(table).read({"text"}), read_table([path, path], data_format="parquet", words={"text"})):
        assert [field.metadata[b"type"] for field in raw.columns.schema] == [b"string", b"int64", b"bool"]
        assert [str(field.type) for field in raw.columns.schema] == ["string", "double", "string"]


# --- several files ----------------------------------------------------------------------------------------------------


def test_several_files_of_one_header(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "a,b\n1,2\n", "1.csv"),
        write(tmp_path, "a,b\n", "2.csv"),
        write(tmp_path, "a,b\n3,x\n", "3.csv"),
    ]
    assert read_table(paths).columns.to_pydict() == {"a": [1.0, 3.0], "b": ["2", "x"]}


def test_a_header_in_the_first_file_only(tmp_path: Path) -> None:
    raw = read_table([write(tmp_path, "a,b\n1,2\n", "1.csv"), write(tmp_path, "3,x\n4,5\n", "2.csv")])
    assert raw.columns.to_pydict() == {"a": [1.0, 3.0, 4.0], "b": ["2", "x", "5"]}
    assert raw.files_without_header == ("2.csv",)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ("a,c\n3,4\n", r"missing \['b'\], added \['c'\]"),
        ("p,q\n3,4\n", r"missing \['a', 'b'\], added \['p', 'q'\]"),
        ("b,a\n3,4\n", "the same names in another order"),
        ("1,2,3\n3,4,5\n", r"missing \['a', 'b'\]"),
    ],
)
def test_other_columns_are_told(tmp_path: Path, other: str, difference: str) -> None:
    paths = [write(tmp_path, "a,b\n1,2\n", "1.csv"), write(tmp_path, other, "2.csv")]
    with pytest.raises(DataError, match=f"2.csv has other columns than 1.csv: {difference}"):
        read_table(paths)


# --- malformed rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_malformed_rows_are_left_out_and_told_by_their_lines(tmp_path: Path, compression: str) -> None:
    text = "a,b\n" + "1,2\n" * 20 + '\n1,"two\nlines"\n3\n' + '4,"5\n",6\n' + "".join(f"{row}\n" for row in range(2))
    content = gzip.compress(text.encode()) if compression else text.encode()
    raw = read_words(write(tmp_path, content), compression=compression)
    assert (raw.columns.num_rows, raw.skipped_rows) == (21, 4)
    assert raw.skipped_examples == (
        "data.csv, line 25: 1 cells where 2 are expected",
        "data.csv, lines 26 to 27: 3 cells where 2 are expected",
        "data.csv, line 28: 1 cells where 2 are expected",
        "data.csv, line 29: 1 cells where 2 are expected",
    )


def test_a_few_malformed_rows_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    raw = read_words(write(tmp_path, "a,b\n" + "1,2\n" * 100 + "3\n" * 20))
    assert (raw.skipped_rows, len(raw.skipped_examples)) == (20, 5)


@pytest.mark.parametrize(
    "rows",
    [
        '1,"2\n3,4\n',
        '1,"2\n3,4\n5,6',
        '"1,2\n3,4\n',
        '1,"2\n' + "3,4\n" * (BLOCK_BYTES // 4),
    ],
)
def test_a_cell_that_never_ends_is_told(tmp_path: Path, rows: str) -> None:
    path = write(tmp_path, "a,b\n" + "1,2\n" * 20 + rows)
    with pytest.raises(DataError, match=r"data\.csv, line 22: a quotation mark opens a cell that never ends"):
        read_words(path)


# --- files that are not what they should be ---------------------------------------------------------------------------

HEADER = "größe,straße,ziel\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "data.csv is empty"),
        (b"\n\n", "nothing but blank lines"),
        (b"a,b\n", "has a header but no rows"),
        (b"a,b,a\n1,2,3\n", r"data.csv: Duplicate column names were found: 'a' \(columns 1, 3\)"),
        (b"a,b\n" + b"1\n" * 10 + b"1,2\n", "10 of 11 rows do not have the header's 2 columns. The first: .*, line 2"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "is compressed with gzip; state the compression type Gzip"),
        (b"PAR1....", "is a Parquet file"),
        (b"\xd0\xcf\x11\xe0....", "is an Excel file"),
        (b"\xd0a,b\x00\x01\x02", "is no text: byte 5 of the file is zero"),
        (b"<!DOCTYPE html>\n<html>", "is an HTML or XML page"),
        (b"a;b;c\n1;2;3\n", "has one column, and its name holds semicolons; separate the cells by commas"),
        (b"a\tb,b\tc\n1\t2\n".replace(b",", b"\t"), "its name holds tabs"),
        ("a,b\n1,2\n".encode("utf-16"), "is in UTF-16, not in UTF-8. Save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "is in UTF-16LE, not in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-be"), "is in UTF-16BE, not in UTF-8"),
        ("a,b\n1,2\n".encode("utf-32"), "is in UTF-32, not in UTF-8"),
        (
            "a,b\n1,2\n1,Café\n".encode("cp1252"),
            r"is not in UTF-8: line 3, byte 14 of the file is 0xe9. It looks like ISO-8859-1. Save it as UTF-8, for "
            r"instance by `iconv -f ISO-8859-1 -t UTF-8 data\.csv > utf8\.csv`",
        ),
        ("größe,b\n1,2\n".encode("cp1252"), "is not in UTF-8: line 1, byte 3 of the file is 0xf6"),
    ],
)  # fmt: skip
def test_bad_csv_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table([write(tmp_path, content)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "is not compressed with gzip, though its compression type says so"),
        (gzip.compress(b"", mtime=0), "is empty once unpacked"),
        (gzip.compress(b"a,b\n" + bytes(range(32, 127)) * 500, mtime=0)[:-20], "cannot be unpacked, it is damaged"),
        (gzip.compress("a,b\n1,é\n".encode("cp1252"), mtime=0), "line 2, byte 7 of the file is 0xe9"),
    ],
)
def test_bad_gzip_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table([write(tmp_path, content)], compression="gzip")


def test_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="is a ZIP archive"):
        read_table([path])


@pytest.mark.parametrize(
    ("text", "encoding", "guess"),
    [
        ("Straße in Köln, café à Orléans\n", "latin-1", "ISO-8859-1"),
        ("Preis 5 €, „Größe“\n", "cp1252", "Windows-1252"),
        ("Привет, это таблица, первые строки\n", "cp1251", "Windows-1251"),
        ("これは表です。東京と大阪のデータ\n", "shift_jis", "Shift_JIS"),
        ("这是一个表格包含城市的数据\n", "gb18030", "GB18030"),
    ],
)
def test_encodings_are_guessed(text: str, encoding: str, guess: str) -> None:
    assert guess_encoding(text.encode(encoding) * 3) == guess


# --- Parquet ----------------------------------------------------------------------------------------------------------


def write_parquet(folder: Path, name: str, **columns: object) -> Path:
    path = folder / name
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def test_parquet_holds_what_its_csv_would(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path, "t.parquet", n=[1, None], b=[True, None], s=["x", ""], d=pa.array(["u", None]).dictionary_encode()
    )
    assert read_table([path], data_format="parquet").columns.to_pylist() == [
        {"n": 1.0, "b": "True", "s": "x", "d": "u"},
        {"n": None, "b": None, "s": None, "d": None},
    ]


def test_parquet_files_agree_or_are_told(tmp_path: Path) -> None:
    numbers = write_parquet(tmp_path, "1.parquet", a=[1, 2])
    nothing = write_parquet(tmp_path, "2.parquet", a=[None, None])
    words = write_parquet(tmp_path, "3.parquet", a=["x", "y"])
    joined = read_table([numbers, nothing], data_format="parquet").columns
    assert joined.column("a").to_pylist() == [1, 2, None, None]
    with pytest.raises(DataError, match=r"Column 'a' holds numbers in 1.parquet and text in 3.parquet"):
        read_table([numbers, nothing, words], data_format="parquet")


def test_folders_of_a_parquet_file_are_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "year=2024"
    folder.mkdir()
    assert read_table([write_parquet(folder, "1.parquet", a=[1])], data_format="parquet").columns.column_names == ["a"]


def test_parquet_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a Parquet file"):
        read_table([write(tmp_path, "a,b\n1,2\n")], data_format="parquet")


def test_parquet_without_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.parquet has a header but no rows"):
        read_table([write_parquet(tmp_path, "t.parquet", a=pa.array([], pa.int64()))], data_format="parquet")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([[1, 2]]), "type list<.*> which cannot be learned from|type list.*, which cannot be learned from"),
        (pa.array([b"x"]), "type binary, which cannot be learned from"),
    ],
)
def test_columns_that_hold_no_cells_are_told(column: pa.Array, words: str) -> None:
    with pytest.raises(DataError, match=f"Column 'a' has the {words}"):
        adopt_table(pa.table({"a": column}))


def test_names_that_occur_twice_are_told() -> None:
    with pytest.raises(DataError, match=r"Duplicate column names were found: 'a' \(columns 1, 2\)"):
        adopt_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))


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
