from __future__ import annotations

import re

import pytest

from gyropilot.sdk.names import name_from_base, name_from_image

STAMP = r"\d{4}(-\d\d){5}-\d{3}"


def test_a_name_begins_with_its_base_and_ends_with_the_time() -> None:
    assert re.fullmatch(f"automl-{STAMP}", name_from_base("automl"))


@pytest.mark.parametrize("base", ["a" * 100, "a-" * 50])
def test_a_long_base_is_cut(base: str) -> None:
    assert len(name_from_base(base, 32)) <= 32
    assert re.fullmatch(f"[a-]*a-{STAMP}", name_from_base(base, 32))


@pytest.mark.parametrize(
    ("image", "base"),
    [
        ("000000000000.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:gyropilot-1", "autogluon-inference"),
        ("host:5000/deep/my_image@sha256:abc", "my-image"),
        ("image", "image"),
        ("...", "model"),
    ],
)
def test_an_image_names_a_model(image: str, base: str) -> None:
    assert re.fullmatch(f"{base}-{STAMP}", name_from_image(image))
