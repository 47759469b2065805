"""Our classes next to those of the SageMaker SDK, as `tools/record_sagemaker_sdk.py` took them down.

Whatever differs is listed here, with the reason.
"""

from __future__ import annotations

import copy
import inspect
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

import gyropilot
from gyropilot.sdk.automl.problem_configs import ProblemConfig
from tests.architecture.repository import ROOT
from tests.unit.sdk.sessions import OUT, ROLE, TakenDownError, open_session

RECORD = json.loads((ROOT / "tests" / "data" / "sagemaker-sdk.json").read_text(encoding="utf-8"))
CLASSES: dict[str, dict[str, Any]] = RECORD["classes"]

WITHOUT_COUNTERPART = {
    "Model": "one container; models of other frameworks are no part of AutoML",
    "Session": "what AutoML scripts ask of it; the rest is a boto3 client away",
}
"""Classes of which only a part is there, and which part."""
LEFT_OUT = {
    "PipelineModel": {"register": "the model registry"},
    "Predictor": {
        "delete_predictor": "inference components",
        "disable_data_capture": "data capture",
        "enable_data_capture": "data capture",
        "endpoint_context": "lineage",
        "list_monitors": "model monitoring",
        "list_related_models": "inference recommendations",
        "predict_stream": "answers as a stream",
        "update_data_capture_config": "data capture",
        "update_predictor": "inference components",
    },
    "Transformer": {"transform_with_monitoring": "model monitoring"},
}
"""Members that need services of AWS that are not there, and which."""
ONLY_HERE = {
    "AutoML": {"leaderboard", "prepare"},
    "AutoMLV2": {"leaderboard", "prepare"},
}


def written(function: Any) -> list[str]:
    """Return each parameter as the record has it; `*` stands before those that are given by name only."""
    marks: dict[Any, str] = {
        inspect.Parameter.VAR_KEYWORD: "**",
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.KEYWORD_ONLY: "* ",
    }
    return [
        marks.get(parameter.kind, "")
        + parameter.name
        + ("" if parameter.default is parameter.empty else f"={write_default(parameter.default)}")
        for parameter in inspect.signature(function).parameters.values()
    ]


def write_default(value: Any) -> str:
    plain = value is None or isinstance(value, str | int | float | tuple | list | dict)
    return repr(value) if plain else (value.__name__ if isinstance(value, type) else type(value).__name__)


def members() -> list[tuple[str, str]]:
    return [
        (name, member)
        for name, described in CLASSES.items()
        for member in described
        if member not in LEFT_OUT.get(name, {})
        and (name not in WITHOUT_COUNTERPART or hasattr(getattr(gyropilot, name), member))
    ]


@pytest.mark.parametrize(("name", "member"), members(), ids=lambda part: part)
def test_a_member_takes_the_same_parameters_with_the_same_defaults(name: str, member: str, tmp_path: Path) -> None:
    kind, described = getattr(gyropilot, name), CLASSES[name][member]
    if described == "attribute":
        assert hasattr(kind, member)
    elif described == "property":
        assert not callable(getattr(kind, member)) or member in instance_members(name, tmp_path)
    else:
        ours = written(getattr(kind, member))
        taken = [parameter for parameter in ours if not parameter.startswith("* ")]
        if name == "Model":
            described = described[: len(taken)]  # the first of many
        assert taken == described


def instance_members(name: str, folder: Path) -> set[str]:
    """Return the attributes of a session, which has attributes where the other one has properties."""
    return set(dir(open_session(folder))) if name == "Session" else set()


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_left_out_is_not_there_and_was_there(name: str) -> None:
    for member in LEFT_OUT.get(name, {}):
        assert member in CLASSES[name]
        assert not hasattr(getattr(gyropilot, name), member)


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - WITHOUT_COUNTERPART.keys()))
def test_what_is_only_here_is_chosen(name: str) -> None:
    kind = getattr(gyropilot, name)
    ours = {
        member
        for member in dir(kind)
        if not member.startswith("_") and member.islower() and member not in {*dir(Exception), *dir(type)}
    }
    fields = set(getattr(kind, "__dataclass_fields__", {}))
    assert ours - set(CLASSES[name]) - fields == ONLY_HERE.get(name, set())


def test_every_class_of_the_record_is_ours_too() -> None:
    from gyropilot import sdk

    assert set(CLASSES) <= set(sdk.__all__)
    assert set(sdk.__all__) - set(CLASSES) == {"NoBestCandidateError", "ServerStartError", "SessionError"}


def test_exceptions_are_of_the_same_families() -> None:
    assert issubclass(gyropilot.UnexpectedStatusException, ValueError)
    assert issubclass(gyropilot.CapacityError, gyropilot.UnexpectedStatusException)
    error = gyropilot.UnexpectedStatusException("words", allowed_statuses=["Completed"], actual_status="Failed")
    assert (str(error), error.allowed_statuses, error.actual_status) == ("words", ["Completed"], "Failed")


# --- requests ---------------------------------------------------------------------------------------------------------


def taken_down(attempt: Any) -> Any:
    with pytest.raises(TakenDownError) as taken:
        attempt()
    return taken.value.args[0]


@pytest.mark.parametrize(
    "case", [case for case in RECORD["jobs"] if "value" in case], ids=lambda case: str(case["inputs"])
)
def test_a_job_asks_for_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    assert taken_down(lambda: start_job(case, tmp_path)) == case["value"]


@pytest.mark.parametrize(
    "case", [case for case in RECORD["jobs"] if "error" in case], ids=lambda case: str(case["options"])
)
def test_a_job_that_cannot_be_asked_for_is_refused_in_the_same_words(case: dict[str, Any], tmp_path: Path) -> None:
    words = "TargetAttributeName cannot be None." if case["error"] == "KeyError" else case["message"]
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        start_job(case, tmp_path)


def start_job(case: dict[str, Any], folder: Path) -> None:
    session = open_session(folder)
    auto_ml = gyropilot.AutoML(role=ROLE, output_path=OUT, sagemaker_session=session, **case["options"])
    inputs = case["inputs"]
    if isinstance(inputs, list) and isinstance(inputs[0], dict):
        inputs = [gyropilot.AutoMLInput(**channel["AutoMLInput"]) for channel in inputs]
    auto_ml.fit(inputs, wait=False, logs=False, job_name="job")


@pytest.mark.parametrize("case", RECORD["jobs_v2"], ids=lambda case: str(list(case["options"])))
def test_a_job_of_the_second_generation_asks_for_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    config = gyropilot.AutoMLTabularConfig("y", problem_type=case.get("problem_type"))
    options = {"role": ROLE, "output_path": OUT, "sagemaker_session": open_session(tmp_path), **case["options"]}
    auto_ml = gyropilot.AutoMLV2(config, **options)
    channels = [gyropilot.AutoMLDataChannel(**channel) for channel in case["inputs"]]
    assert taken_down(lambda: auto_ml.fit(channels, wait=False, logs=False, job_name="job")) == case["value"]


@pytest.mark.parametrize("case", RECORD["problems"], ids=lambda case: f"{case['kind']}-{len(case['options'])}")
def test_a_problem_is_described_and_read_in_the_same_way(case: dict[str, Any]) -> None:
    kind = getattr(gyropilot, case["kind"])
    assert kind(**case["options"]).to_request_dict() == case["request"]
    (document,) = case["request"].values()
    assert vars(kind.from_response_dict(document)) == case["value"]


def test_holidays_are_given_as_one_country_or_as_several() -> None:
    case = next(case for case in RECORD["problems"] if case["kind"] == "AutoMLTimeSeriesForecastingConfig")
    for given, countries in (("DE", ["DE"]), (["DE", "FR"], ["DE", "FR"])):
        config: ProblemConfig = gyropilot.AutoMLTimeSeriesForecastingConfig(**case["options"], holiday_config=given)
        (document,) = config.to_request_dict().values()
        assert document["HolidayConfig"] == [{"CountryCode": country} for country in countries]
        assert vars(type(config).from_response_dict(document))["holiday_config"] == countries


@pytest.mark.parametrize("case", RECORD["transforms"], ids=lambda case: str(len(case["arguments"])))
def test_a_transform_job_asks_for_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    session = open_session(tmp_path)
    transformer = gyropilot.Transformer(
        "model", 1, "ml.m5.large", base_transform_job_name="base", sagemaker_session=session, **case["options"]
    )
    if "error" in case:
        with pytest.raises(ValueError, match=case["message"]):
            transformer.transform(job_name="job", wait=False, logs=False, **case["arguments"])
        return
    asked = taken_down(lambda: transformer.transform(job_name="job", wait=False, logs=False, **case["arguments"]))
    assert asked == case["value"]


@pytest.mark.parametrize("case", RECORD["responses"], ids=lambda case: str(case["keys"]))
def test_what_models_answer_with_is_chosen_in_the_same_way(case: dict[str, Any]) -> None:
    containers = copy.deepcopy(case["containers"])
    if "error" in case:
        with pytest.raises(ValueError, match=f"^{re.escape(case['message'])}$"):
            gyropilot.AutoML.validate_and_update_inference_response(containers, case["keys"])
        return
    gyropilot.AutoML.validate_and_update_inference_response(containers, case["keys"])
    assert containers == case["value"]


# --- what is sent and read --------------------------------------------------------------------------------------------

REFUSED = {("CSVSerializer", '[{"a": 1}, {"a": null}]'): "rows by name: the other one writes their names"}
"""What ours refuses although the other one does not, and why."""


@pytest.mark.parametrize("case", RECORD["serialized"], ids=lambda case: f"{case['kind']}-{case['data']}")
def test_data_is_written_in_the_same_way(case: dict[str, Any]) -> None:
    serializer = getattr(gyropilot, case["kind"])()
    if "error" in case or (case["kind"], json.dumps(case["data"])) in REFUSED:
        with pytest.raises(ValueError, match=r"write|text|array|row"):
            serializer.serialize(case["data"])
        return
    sent = serializer.serialize(case["data"])
    assert (sent.decode() if isinstance(sent, bytes) else sent) == case["value"]


@pytest.mark.parametrize("case", RECORD["deserialized"], ids=lambda case: str(case["kind"]))
def test_answers_are_read_in_the_same_way(case: dict[str, Any]) -> None:
    deserializer = getattr(gyropilot, case["kind"])()
    assert list(deserializer.ACCEPT) == case["accept"]
    found = deserializer.deserialize(io.BytesIO(case["text"].encode()), case["content_type"])
    assert (found.decode() if isinstance(found, bytes) else found) == case["value"]
