"""The scripted model: the second class's probability is the first column divided by a hundred."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from gyropilot.engine.errors import RequestError
from gyropilot.serving.parquet import ROWS_AT_ONCE
from gyropilot.worker.transform.answer import RecordAnswerer
from tests.unit.serving.scripted import ScriptedModel
from tests.unit.worker.transforming import plan_for

MODEL = ScriptedModel()
JSON_LINES = "application/jsonlines"


def answer(content: bytes, model: ScriptedModel = MODEL, **asked: Any) -> str:
    answerer = RecordAnswerer(model, plan_for(**asked))
    return b"".join(map(answerer.answer, answerer.read(io.BytesIO(content)))).decode()


def test_answers_are_the_model_servers() -> None:
    assert answer(b"30,a,1\n60,b,2\n") == "no,0.7\nyes,0.6\n"
    assert answer(b"30,a,1\n60,b,2\n", accept="application/json") == (
        '{"predictions":[{"predicted_label":"no","probability":0.7},{"predicted_label":"yes","probability":0.6}]}\n'
    )
    assert answer(b"30,a,1\n", accept="application/json", assembles_lines=False).endswith("}]}")
    assert answer(b'[30, "a", 1]\n{"age": 60}\n', content_type=JSON_LINES) == "no,0.7\nyes,0.6\n"


def write_columns(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def write_parquet(ages: list[float]) -> bytes:
    return write_columns(id=ages, x=ages, job=["a"] * len(ages), age=ages)


@pytest.mark.parametrize("rows", [1, 2, 3 * ROWS_AT_ONCE + 1])
def test_tables_of_parquet_are_answered_piece_by_piece(rows: int) -> None:
    asked: dict[str, Any] = {"content_type": "application/x-parquet", "splits_lines": False}
    body = write_parquet([30.0, 60.0, 30.0][: rows % 3] + [60.0] * (rows - rows % 3))
    labels = answer(body, environment={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}, **asked).split()
    assert len(labels) == rows
    assert labels[:2] == ["no", "yes"][:rows]
    document = json.loads(answer(body, accept="application/json", **asked))
    assert [each["predicted_label"] for each in document["predictions"]] == labels
    gzipped = answer(gzip.compress(body), compression="gzip", **asked)
    assert gzipped.count("\n") == rows


def test_tables_that_are_refused_are_told_why() -> None:
    with pytest.raises(RequestError, match="lacks columns of the model: age, job, x"):
        answer(write_columns(a=[1]), content_type="application/x-parquet", splits_lines=False)
    with pytest.raises(RequestError, match="The table is not Parquet that can be read"):
        answer(b"age,job,x\n", content_type="application/x-parquet", splits_lines=False)
    with pytest.raises(RequestError, match=r"larger than 100 bytes \(MaxPayloadInMB\)"):
        answer(write_parquet([1.0]), content_type="application/x-parquet", splits_lines=False, max_payload_bytes=100)


@pytest.mark.parametrize("header", [b"age,job,x\n", b"age,y,job,x\n", b"\n\nage,job,x\n"])
def test_the_header_and_blank_lines_are_no_records(header: bytes) -> None:
    assert answer(header + b"30,a,1\n\n60,b,2\n\n") == "no,0.7\nyes,0.6\n"


def test_a_header_behind_a_filter_is_one_too() -> None:
    assert answer(b"id,age,job,x\n7,30,a,1\n", input_filter="$[1:]") == "no,0.7\n"


def test_of_a_single_column_a_blank_line_is_a_missing_value() -> None:
    model = ScriptedModel(feature_names=("age",))
    assert answer(b"age\n30\n\n60\n\n", model) == "no,0.7\nno,1.0\nyes,0.6\n"


def test_nothing_is_answered_with_nothing() -> None:
    assert answer(b"") == answer(b"age,job,x\n") == answer(b"\n\n") == ""


# --- filters and joins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"input_filter": "$[1:]"}, "no,0.7\nyes,0.6\n"),
        ({"input_filter": "$[1,2,-1]"}, "no,0.7\nyes,0.6\n"),
        ({"input_filter": "$[1:]", "joins_input": True}, '7,30,a,"1,5",no,0.7\n8,60,b,2,yes,0.6\n'),
        ({"input_filter": "$[1:]", "joins_input": True, "output_filter": "$[0,-2]"}, "7,no\n8,yes\n"),
        ({"input_filter": "$[1:]", "joins_input": True, "output_filter": "$[0]"}, "7\n8\n"),
        ({"input_filter": "$[1:]", "output_filter": "$[1]"}, "0.7\n0.6\n"),
    ],
)
def test_records_of_csv(asked: dict[str, Any], expected: str) -> None:
    assert answer(b'7,30,a,"1,5"\n8,60,b,2\n', **asked) == expected


RESULT = {"predicted_label": "no", "probability": 0.7}


@pytest.mark.parametrize(
    ("asked", "record", "expected"),
    [
        ({}, {"age": 30}, RESULT),
        ({"input_filter": "$.row"}, {"id": 7, "row": {"age": 30}}, RESULT),
        ({"input_filter": "$.row", "joins_input": True}, {"row": [30, "", 1]}, {"row": [30, "", 1], "O": RESULT}),
        ({"joins_input": True}, [30, "", 1], {"SageMakerInput": [30, "", 1], "O": RESULT}),
        ({"input_filter": "$['age','job']"}, {"age": 30, "job": "a", "id": 7}, RESULT),
        (
            {"input_filter": "$.row", "joins_input": True, "output_filter": "$['id','SageMakerOutput']"},
            {"id": 7, "row": {"age": 30}},
            {"id": 7, "O": RESULT},
        ),
        (
            {"joins_input": True, "output_filter": "$.SageMakerOutput.probability"},
            {"age": 30},
            0.7,
        ),
        ({"output_filter": "$['probability']"}, {"age": 30}, 0.7),
    ],
)
@pytest.mark.parametrize("media_type", [JSON_LINES, "application/json"])
def test_records_of_json(media_type: str, asked: dict[str, Any], record: Any, expected: Any) -> None:
    accept = JSON_LINES if not asked.get("joins_input") and "output_filter" not in asked else media_type
    found = answer(json.dumps(record).encode() + b"\n", content_type=media_type, accept=accept, **asked)
    if isinstance(expected, dict) and "O" in expected:
        expected["SageMakerOutput"] = expected.pop("O")
    assert found.endswith("\n")
    assert json.loads(found) == expected


# --- bad records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0, 1, 2, 3, 998, 999])
def test_the_line_of_a_bad_record_is_told(bad: int) -> None:
    lines = [b"1,2,3\n"] * 1000
    lines[bad] = b"1,2\n"
    with pytest.raises(RequestError, match=rf"^line {bad + 1}: Expected number of columns is 3\.$"):
        answer(b"".join(lines))


@pytest.mark.parametrize(
    ("content", "asked", "words"),
    [
        (b"age,job,x\n1,2,3\n1,2\n", {}, "^line 3: Expected"),
        (b"1,2,3\n1,2\n", {"input_filter": "$[2]"}, "^line 2: there is no element 2: there are 2"),
        (b"1,2,3\n", {"output_filter": "$[2]"}, "^line 1: there is no element 2: there are 2"),
        (b"3\n", {"content_type": JSON_LINES}, "^line 1: the record must be a list of values or an object, not int"),
        (b'\n{"a": 1}\n', {"content_type": JSON_LINES}, "^line 2: the record has columns that the model does not"),
        (b'{"b": 1}\n', {"content_type": JSON_LINES, "input_filter": "$.a"}, "^line 1: there is no member 'a'"),
        (
            b'[{"age": 1}, [1]]',
            {"content_type": "application/json", "splits_lines": False},
            "^row 2: Expected number of columns is 3",
        ),
    ],
)
def test_a_bad_record_is_told_with_its_line(content: bytes, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        answer(content, **asked)
