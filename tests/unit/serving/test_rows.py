from __future__ import annotations

import pytest

from gyropilot.engine.errors import RequestError
from gyropilot.serving.media import CSV, JSON, JSON_LINES
from gyropilot.serving.rows import read_rows
from tests.unit.serving.scripted import ScriptedModel

MODEL = ScriptedModel()
NARROW = ScriptedModel(feature_names=("age",), target_position=0)


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
    ],
)
def test_refuses_what_it_cannot_read(body: bytes, media_type: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_rows(body, media_type, MODEL)
