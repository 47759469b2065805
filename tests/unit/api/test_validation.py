from __future__ import annotations

from typing import Any

import pytest

from gyropilot.api.models import load_operation
from gyropilot.api.operations.catalogue import SERVED
from gyropilot.api.validation import _compile, find_violations, word_violations

NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"


def check(operation: str, params: dict[str, Any], service: str = "sagemaker") -> list[str]:
    return find_violations(load_operation(service, operation).input_shape, params)


def stop(name: Any) -> list[str]:
    return check("StopAutoMLJob", {"AutoMLJobName": name})


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a_b", f"satisfy regular expression pattern: {NAME}"),
        ("", "have length greater than or equal to 1"),
        ("a" * 33, "have length less than or equal to 32"),
        (5, "be of type string"),
    ],
)
def test_wording_of_text_rules(name: Any, rule: str) -> None:
    assert stop(name) == [f"Value '{name}' at 'autoMLJobName' failed to satisfy constraint: Member must {rule}"]


def test_a_missing_member_is_null() -> None:
    assert check("StopAutoMLJob", {}) == [
        "Value null at 'autoMLJobName' failed to satisfy constraint: Member must not be null"
    ]


def test_violations_are_collected_with_their_paths() -> None:
    found = check("ListAutoMLJobs", {"MaxResults": 101, "SortBy": "Size", "NameContains": "x" * 64})
    assert len(found) == 3
    assert (
        "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"
        in found
    )
    enum = "[Name, CreationTime, Status]"
    assert f"Value 'Size' at 'sortBy' failed to satisfy constraint: Member must satisfy enum value set: {enum}" in found
    assert word_violations(found).startswith("3 validation errors detected: Value")
    assert word_violations(found[:1]) == f"1 validation error detected: {found[0]}"


def test_paths_go_into_lists_and_maps() -> None:
    container = {"Environment": {"1bad": "x"}, "Image": "i"}
    found = check("CreateModel", {"ModelName": "m", "Containers": [container], "Tags": [{"Key": "k"}]})
    assert "at 'containers.1.member.environment'" in found[0]
    assert found[1].startswith("Value null at 'tags.1.member.value'")


@pytest.mark.parametrize("kind", ["ml.m5.xlarge", "ml.not.yet.known"])
def test_instance_types_are_open(kind: str) -> None:
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": kind, "InitialInstanceCount": 1}
    assert check("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [variant]}) == []


def test_tagged_unions_need_exactly_one_member() -> None:
    request = {
        "AutoMLJobName": "j",
        "AutoMLJobInputDataConfig": [{}],
        "OutputDataConfig": {"S3OutputPath": "s3://b/"},
        "RoleArn": "arn:aws:iam::000000000000:role/R",
        "AutoMLProblemTypeConfig": {},
    }
    assert "exactly one member" in check("CreateAutoMLJobV2", request)[0]


@pytest.mark.parametrize(("value", "fits"), [("grün 1", True), ("a\tb", False), ("a#b", False)])
def test_character_classes_of_other_languages(value: str, fits: bool) -> None:
    request = {"ModelName": "m", "Tags": [{"Key": value, "Value": ""}]}
    assert (check("CreateModel", request) == []) is fits


def test_booleans_are_no_numbers() -> None:
    assert "Member must be of type integer" in check("ListAutoMLJobs", {"MaxResults": True})[0]


def test_a_body_that_is_too_long_is_not_repeated() -> None:
    found = check("InvokeEndpoint", {"EndpointName": "e", "Body": b"x" * 6291457}, "sagemaker-runtime")
    assert found == [
        "Value at 'body' failed to satisfy constraint: Member must have length less than or equal to 6291456"
    ]


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.name)
def test_every_pattern_of_the_served_operations_has_a_counterpart(served: Any) -> None:
    seen: set[str] = set()

    def walk(shape: Any) -> None:
        if shape.name in seen:
            return
        seen.add(shape.name)
        if pattern := shape.metadata.get("pattern"):
            assert _compile(pattern) is not None, (shape.name, pattern)
        inner = [getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)]
        for part in [*getattr(shape, "members", {}).values(), *inner]:
            walk(part)

    shape = load_operation(served.service, served.name).input_shape
    if shape is not None:
        walk(shape)
