"""The feature specification: its rules, and what a job says of one that breaks them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.feature_specification import (
    MAX_BYTES,
    FeatureSpecification,
    check_feature_specification,
    parse_feature_specification,
)
from tests.unit.service.house import PROBLEM, House

URI = "s3://data/features.json"
CHOSEN = replace(PROBLEM, features_uri=URI)


@pytest.mark.parametrize(
    ("document", "names", "types"),
    [
        ({}, (), {}),
        ({"FeatureAttributeNames": ["b", "a"]}, ("b", "a"), {}),
        ({"FeatureDataTypes": {"a": "numeric", "b": "sequence"}}, (), {"a": "numeric", "b": "sequence"}),
        ({"FeatureAttributeNames": ["a", "b"], "FeatureDataTypes": {"b": "text"}}, ("a", "b"), {"b": "text"}),
    ],
)
def test_what_a_specification_says(document: object, names: tuple[str, ...], types: dict[str, str]) -> None:
    for content in (json.dumps(document).encode(), json.dumps(document).encode("utf-8-sig")):
        assert parse_feature_specification(content) == FeatureSpecification(names=names, types=types)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is not JSON: Expecting value"),
        (b"a,b\n", "it is not JSON: Expecting value: line 1 column 1"),
        (b"[" * 100_000, "it is not JSON"),
        ('{"é": 1}'.encode("latin-1"), "it is not in UTF-8: byte 3 is 0xe9"),
        (b" " * (MAX_BYTES + 1), "it is larger than 4,194,304 bytes"),
        (b'["a"]', "it must be a JSON object, not list"),
        (b'{"FeatureAttributesNames": ["a"]}', r"it has the unknown keys \[FeatureAttributesNames\]"),
        (b'{"FeatureAttributeNames": []}', "FeatureAttributeNames must be a list of one or more column names"),
        (b'{"FeatureAttributeNames": "a"}', "FeatureAttributeNames must be a list"),
        (b'{"FeatureAttributeNames": ["a", 1]}', "FeatureAttributeNames must be a list"),
        (b'{"FeatureAttributeNames": ["a", "b", "a"]}', r"FeatureAttributeNames holds \[a\] more than once"),
        (b'{"FeatureDataTypes": ["a"]}', "FeatureDataTypes must be an object"),
        (b'{"FeatureDataTypes": {"a": "Numeric"}}', r"the unknown types \[a: Numeric\]; known are numeric, cat"),
        (b'{"FeatureDataTypes": {"a": ["text"]}}', "the unknown types"),
        (
            b'{"FeatureAttributeNames": ["a"], "FeatureDataTypes": {"b": "text"}}',
            r"FeatureDataTypes has keys that are not in FeatureAttributeNames: \[b\]",
        ),
    ],
)
def test_what_is_no_specification(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        parse_feature_specification(content)


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        (FeatureSpecification(names=("a", "y")), "it holds the target attribute y"),
        (FeatureSpecification(types={"y": "numeric"}), "it holds the target attribute y"),
        (FeatureSpecification(names=("a", "w")), "it holds the sample weight attribute w"),
        (FeatureSpecification(names=("A", "b")), r"columns that are not in the header: \[A\]"),
        (FeatureSpecification(types={"z": "text"}), r"columns that are not in the header: \[z\]"),
        (FeatureSpecification(names=tuple("jklmnop")), r"\[j, k, l, m, n\] and 2 more"),
    ],
)
def test_what_does_not_fit_the_data(specification: FeatureSpecification, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        check_feature_specification(specification, ["a", "b", "w", "y"], target="y", weight_column="w")


def test_a_job_with_a_specification(house: House) -> None:
    house.put("features.json", b'{"FeatureAttributeNames": ["x"]}')
    job = house.create_job(problem=CHOSEN)
    assert house.service.jobs.data.read_feature_specification(job.problem.features_uri).names == ("x",)
    assert house.service.jobs.data.read_feature_specification("") == FeatureSpecification()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "^Could not access the feature specification s3://data/features.json: there is no object.$"),
        (b"?", "^Invalid feature specification s3://data/features.json: it is not JSON"),
        (b'{"FeatureAttributeNames": ["z"]}', r"^Invalid .*/features.json: it holds columns .* header: \[z\]\.$"),
    ],
)
def test_a_job_with_a_wrong_specification_is_refused(house: House, content: bytes | None, words: str) -> None:
    if content is not None:
        house.put("features.json", content)
    with pytest.raises(InvalidRequestError, match=words):
        house.create_job(problem=CHOSEN)
