from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from gyropilot.api.models import load_operation
from gyropilot.api.protocols.catalogue import protocol_of
from gyropilot.api.protocols.contracts import MalformedRequestError
from gyropilot.api.protocols.scalars import format_timestamp
from gyropilot.api.wire import WireRequest


def make(body: bytes, **headers: str) -> WireRequest:
    return WireRequest(method="POST", path="/", query="", headers=headers, body=io.BytesIO(body), length=len(body))


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("sagemaker", "ListModels", b"{"),
        ("sagemaker", "ListModels", b"[]"),
        ("sagemaker", "ListModels", b'{"CreationTimeAfter": "someday"}'),
        ("sagemaker", "ListModels", b"\xff"),
        ("s3", "DeleteObjects", b"<Delete>"),
        ("s3", "DeleteObjects", b'<!DOCTYPE d [<!ENTITY e "x">]><Delete><Quiet>&e;</Quiet></Delete>'),
        ("s3", "DeleteObjects", b"<Delete><Quiet>perhaps</Quiet></Delete>"),
        ("sts", "AssumeRole", b"DurationSeconds=long"),
        ("sts", "AssumeRole", b"RoleArn.x=1"),
        ("sts", "AssumeRole", b"RoleArn=%FF"),
    ],
)
def test_bytes_that_are_not_of_the_protocol(service: str, operation: str, body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        protocol_of(service).read(load_operation(service, operation), make(body), {})


def test_nulls_and_unknown_members_are_left_out() -> None:
    body = b'{"NameContains": null, "Unheard": 1, "SortBy": "Name"}'
    assert protocol_of("sagemaker").read(load_operation("sagemaker", "ListModels"), make(body), {}) == {
        "SortBy": "Name"
    }


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("unixTimestamp", 1662495635.679),
        ("iso8601", "2022-09-06T20:20:35.679Z"),
        ("rfc822", "Tue, 06 Sep 2022 20:20:35 GMT"),
    ],
)
def test_moments_are_told_to_the_millisecond_at_most(form: str, told: object) -> None:
    assert format_timestamp(datetime(2022, 9, 6, 20, 20, 35, 679_812, UTC), form) == told


def test_moments_of_whole_seconds_and_before_the_epoch_are_told_as_well() -> None:
    assert format_timestamp(datetime(2022, 9, 6, 20, 20, 35, tzinfo=UTC), "unixTimestamp") == 1662495635
    assert format_timestamp(datetime(1969, 12, 31, 23, 59, 59, 250_000, UTC), "unixTimestamp") == -0.75
