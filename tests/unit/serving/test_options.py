from __future__ import annotations

import pytest

from gyropilot.engine.errors import RequestError
from gyropilot.serving.app import choose_options
from gyropilot.serving.options import KEYS, MAX_BYTES, ServingOptions, read_options


def test_an_empty_environment_answers_with_labels() -> None:
    assert read_options({}) == ServingOptions(output=("predicted_label",), max_bytes=MAX_BYTES)


def test_keys_keep_their_order_and_lose_blanks_and_case() -> None:
    options = read_options({"SAGEMAKER_INFERENCE_OUTPUT": " Probability, predicted_label ,,LABELS"})
    assert options.output == ("probability", "predicted_label", "labels")


@pytest.mark.parametrize("text", ["", "   ", ","])
def test_an_empty_output_is_an_absent_one(text: str) -> None:
    assert read_options({"SAGEMAKER_INFERENCE_OUTPUT": text}).output == ("predicted_label",)


def test_supported_keys_are_those_that_exist() -> None:
    options = read_options({"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label, shoe_size"})
    assert options.supported == {"predicted_label"}
    assert read_options({}).supported == set(KEYS)


def test_reads_accept_and_limit() -> None:
    options = read_options({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "Application/JSON", "MAX_CONTENT_LENGTH": "99"})
    assert (options.default_accept, options.max_bytes) == ("application/json", 99)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_limit_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="MAX_CONTENT_LENGTH must be a whole number above 0"):
        read_options({"MAX_CONTENT_LENGTH": text})


def test_reads_the_level_of_intervals() -> None:
    assert read_options({"GYROPILOT_PREDICTION_INTERVAL": " 0.9 "}).interval == 0.9
    for text in ("1", "0", "nan", "much"):
        with pytest.raises(ValueError, match="GYROPILOT_PREDICTION_INTERVAL must be a number above 0 and below 1"):
            read_options({"GYROPILOT_PREDICTION_INTERVAL": text})


@pytest.mark.parametrize(
    ("attributes", "interval"),
    [
        ("", None),
        ("trace=7", None),
        ("prediction-interval", "must be"),
        ("Prediction-Interval=0.9", 0.9),
        ("trace=7, prediction-interval=0.5;x", 0.5),
        ("prediction-interval=90", "must be"),
    ],
)
def test_a_request_may_ask_for_intervals(attributes: str, interval: float | str | None) -> None:
    headers = {"x-amzn-sagemaker-custom-attributes": attributes}
    if isinstance(interval, str):
        with pytest.raises(RequestError, match=interval):
            choose_options(headers, ServingOptions())
    else:
        assert choose_options(headers, ServingOptions()).interval == interval


def test_a_request_may_ask_for_explanations() -> None:
    asked = choose_options(
        {"x-amzn-sagemaker-custom-attributes": "explain=shap;prediction-interval=0.5"}, ServingOptions()
    )
    assert (asked.explains, asked.interval) == (True, 0.5)
    with pytest.raises(RequestError, match="explain must be shap, not 'lime'"):
        choose_options({"x-amzn-sagemaker-custom-attributes": "explain=lime"}, ServingOptions())


def test_explanations_of_clarify_are_refused_in_words() -> None:
    for off in ("false", "`false`", "False"):
        assert choose_options({"x-amzn-sagemaker-enable-explanations": off}, ServingOptions()) == ServingOptions()
    with pytest.raises(RequestError, match="is explain=shap in CustomAttributes"):
        choose_options({"x-amzn-sagemaker-enable-explanations": "`true`"}, ServingOptions())
