from __future__ import annotations

import json

import pytest

from gyropilot.engine.errors import RequestError
from gyropilot.serving.answers import write_answers
from gyropilot.serving.media import CSV, JSON, JSON_LINES
from gyropilot.serving.options import ServingOptions
from tests.unit.serving.scripted import ScriptedModel

MODEL = ScriptedModel()
NUMBERS = ScriptedModel(classes=())
ROWS = [["25", "a", "1"], ["75", "b", "2"]]
EVERYTHING = ("predicted_label", "probability", "probabilities", "labels")


def write(model: ScriptedModel, media_type: str, *output: str, supported: frozenset[str] | None = None) -> bytes:
    options = ServingOptions(output=output) if supported is None else ServingOptions(output=output, supported=supported)
    return write_answers(model.predict_rows(ROWS), model, options, media_type)


def test_labels_are_the_default() -> None:
    assert write_answers(MODEL.predict_rows(ROWS), MODEL, ServingOptions(), CSV) == b"no\nyes\n"


def test_lists_are_written_as_text_in_csv() -> None:
    assert write(MODEL, CSV, *EVERYTHING).decode().splitlines() == [
        "no,0.75,\"[0.75, 0.25]\",\"['no', 'yes']\"",
        "yes,0.75,\"[0.25, 0.75]\",\"['no', 'yes']\"",
    ]


def test_columns_come_in_the_order_asked_for() -> None:
    assert write(MODEL, CSV, "probability", "predicted_label") == b"0.75,no\n0.75,yes\n"


def test_json_holds_an_object_for_each_row() -> None:
    assert json.loads(write(MODEL, JSON, *EVERYTHING)) == {
        "predictions": [
            {
                "predicted_label": label,
                "probability": 0.75,
                "probabilities": probabilities,
                "labels": ["no", "yes"],
            }
            for label, probabilities in [("no", [0.75, 0.25]), ("yes", [0.25, 0.75])]
        ]
    }


def test_json_lines_hold_an_object_on_each_line() -> None:
    lines = write(MODEL, JSON_LINES, "predicted_label").splitlines()
    assert [json.loads(line) for line in lines] == [{"predicted_label": "no"}, {"predicted_label": "yes"}]


def test_a_key_without_a_value_is_nan() -> None:
    assert write(MODEL, CSV, "predicted_label", "shoe_size") == b"no,nan\nyes,nan\n"
    assert write(MODEL, CSV, "labels", supported=frozenset({"predicted_label"})) == b"nan\nnan\n"
    assert json.loads(write(MODEL, JSON, "shoe_size"))["predictions"][0] == {"shoe_size": None}


def test_regression_answers_with_one_number_whatever_is_asked() -> None:
    assert write(NUMBERS, CSV, *EVERYTHING) == b"0.25\n0.75\n"
    assert json.loads(write(NUMBERS, JSON)) == {"predictions": [{"predicted_label": 0.25}, {"predicted_label": 0.75}]}


def test_a_class_with_a_comma_is_quoted() -> None:
    model = ScriptedModel(classes=("no, never", "yes"))
    assert write(model, CSV, "predicted_label") == b'"no, never"\nyes\n'


def test_bounds_stand_behind_amounts() -> None:
    options = ServingOptions(interval=0.5)
    answers = NUMBERS.predict_rows(ROWS)
    assert write_answers(answers, NUMBERS, options, CSV) == b"0.25,-0.25,0.75\n0.75,0.25,1.25\n"
    first = json.loads(write_answers(answers, NUMBERS, options, JSON))["predictions"][0]
    assert first == {"predicted_label": 0.25, "lower_bound": -0.25, "upper_bound": 0.75}
    with pytest.raises(RequestError, match="Only regressions"):
        write_answers(MODEL.predict_rows(ROWS), MODEL, options, CSV)
