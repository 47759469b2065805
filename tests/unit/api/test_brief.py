from __future__ import annotations

import io

import pytest

from gyropilot.api.models import load_operation
from gyropilot.api.operations.brief import MEMBERS, is_brief
from gyropilot.api.operations.catalogue import BY_NAME
from gyropilot.api.wire import WireRequest


def ask(target: str, body: bytes) -> bool:
    headers = {"x-amz-target": target}
    return is_brief(
        WireRequest(method="POST", path="/", query="", headers=headers, body=io.BytesIO(body), length=len(body))
    )


@pytest.mark.parametrize("target", MEMBERS)
def test_what_is_brief_is_served_and_has_these_members(target: str) -> None:
    name = target.removeprefix("SageMaker.")
    assert ("sagemaker", name) in BY_NAME
    shape = load_operation("sagemaker", name).input_shape
    assert shape is not None
    assert MEMBERS[target] <= shape.members.keys()


@pytest.mark.parametrize(
    ("target", "body", "answer"),
    [
        ("SageMaker.DescribeAutoMLJob", b'{"AutoMLJobName": "a"}', True),
        ("SageMaker.ListAutoMLJobs", b"{}", True),
        ("SageMaker.ListAutoMLJobs", b'{"MaxResults": 100, "SortBy": "Name"}', True),
        ("SageMaker.ListAutoMLJobs", b'{"NameContains": "a"}', False),
        ("SageMaker.ListAutoMLJobs", b'{"StatusEquals": "Failed"}', False),
        ("SageMaker.CreateAutoMLJob", b"{}", False),
        ("SageMaker.ListAutoMLJobs", b'["MaxResults"]', False),
        ("SageMaker.ListAutoMLJobs", b"{", False),
        ("SageMaker.ListAutoMLJobs", b'{"NextToken": "' + b"x" * 3000 + b'"}', False),
        ("", b"{}", False),
    ],
)
def test_only_a_look_at_a_few_records_is_brief(target: str, body: bytes, answer: bool) -> None:
    assert ask(target, body) is answer
