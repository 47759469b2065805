from __future__ import annotations

import io
import subprocess
import sys
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.engine.errors import RequestError
from gyropilot.serving.media import CSV, JSON, JSON_LINES, PARQUET
from gyropilot.serving.rows import read_rows
from tests.unit.serving.scripted import ScriptedModel

MODEL = ScriptedModel()
NARROW = ScriptedModel(feature_names=("age",))


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"1,a,2", [["1", "a", "2"]]),
        (b"1,a,2\n3,b,4\n", [["1", "a", "2"], ["3", "b", "4"]]),
        (b"1,a,2\r\n3,b,4\r\n\r\n", [["1", "a", "2"], ["3", "b", "4"]]),
        (b"1, a,2 ", [["1", " a", "2 "]]),
        (b'1,"a, ""b""",2', [["1", 'a, "b"', "2"]]),
        (b'1,"a\nb",2\n3,c,4', [["1", "a\nb", "2"], ["3", "c", "4"]]),
        (b",,", [["", "", ""]]),
        (b"age,job,x\n1,a,2", [["1", "a", "2"]]),
        (b"age,y,job,x\n1,no,a,2", [["1", "no", "a", "2"]]),
        (b"age,job,x,y\r\n1,a,2", [["1", "a", "2"]]),
        (b"\xef\xbb\xbf1,a,2", [["1", "a", "2"]]),
        ("1,ü,2".encode(), [["1", "ü", "2"]]),
    ],
)
def test_reads_csv(body: bytes, rows: list[list[str]]) -> None:
    assert read_rows(body, CSV, MODEL) == rows


def test_a_header_that_is_not_the_trainings_is_a_row() -> None:
    assert read_rows(b"age,job,z\n", CSV, MODEL) == [["age", "job", "z"]]


def test_of_a_single_column_a_blank_line_is_a_missing_value() -> None:
    assert read_rows(b"1\n\n3\n\n", CSV, NARROW) == [["1"], [""], ["3"]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [[1, "a", 2.5], {"age": 3, "x": null}]}',
        b'[[1, "a", 2.5], {"x": null, "age": 3, "y": "no"}]',
    ],
)
def test_reads_json(body: bytes) -> None:
    assert read_rows(body, JSON, MODEL) == [["1", "a", "2.5"], ["3", "", ""]]


def test_reads_json_lines() -> None:
    body = b'{"age": 1, "job": true}\n\n[2, "b", ""]\n'
    assert read_rows(body, JSON_LINES, MODEL) == [["1", "True", ""], ["2", "b", ""]]


def write_parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_reads_parquet_by_the_names_of_columns_and_as_training_does() -> None:
    columns = {"x": [date(2024, 2, 29), None], "y": ["no", "yes"], "job": [True, None], "id": [1, 2], "age": [7, None]}
    assert read_rows(write_parquet(columns), PARQUET, MODEL) == [(7.0, "True", "2024-02-29"), (None, None, None)]


def test_names_a_few_of_many_unknown_columns() -> None:
    body = b"{" + b", ".join(b'"%s": 1' % (bytes([letter]) * 99) for letter in b"abcdefgh") + b"}"
    with pytest.raises(RequestError, match=r"does not know: a{60}\.\.\., b.* and 3 more\.$"):
        read_rows(body, JSON_LINES, MODEL)


def test_says_what_parquet_needs_where_it_is_not_there() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from gyropilot.serving.media import PARQUET, MediaTypeError\n"
        "from gyropilot.serving.rows import read_rows\n"
        "try: read_rows(b'', PARQUET, None)\n"
        "except MediaTypeError as error: print(error.status, error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("415 'application/x-parquet' needs pyarrow, which is not installed here")


@pytest.mark.parametrize(
    ("body", "media_type", "words"),
    [
        (b"", CSV, "holds no row"),
        (b"\n\n", CSV, "holds no row"),
        (b"age,job,x\n", CSV, "holds no row"),
        (b"\xff,a,b", CSV, "not UTF-8"),
        (b'1,"a,2', CSV, "not CSV"),
        (b"{", JSON, "not JSON"),
        (b'"text"', JSON, "list of rows"),
        (b'{"rows": []}', JSON, "list of rows"),
        (b"[]", JSON, "holds no row"),
        (b"[5]", JSON, "Row 1 must be a list of values or an object, not int"),
        (b'[{"age": 1}, {"agee": 1}]', JSON, "Row 2 has columns that the model does not know: agee"),
        (b"[[1, {}, 2]]", JSON, "Row 1 holds a dict"),
        (b'{"age": 1}\n{', JSON_LINES, "Row 2 is not JSON"),
        (b'[[1, "a", NaN]]', JSON, "not JSON"),
        (b"PAR1", PARQUET, "The table is not Parquet that can be read"),
        (write_parquet({"age": [1], "x": [2]}), PARQUET, "The table lacks columns of the model: job"),
        (write_parquet({"age": [[1]], "job": [1], "x": [2]}), PARQUET, "Column 'age' has the type list"),
        (write_parquet({"age": [], "job": [], "x": []}), PARQUET, "holds no row"),
    ],
)
def test_refuses_what_it_cannot_read(body: bytes, media_type: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_rows(body, media_type, MODEL)
