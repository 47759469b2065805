"""Which requests only look at a few records: handing them to a thread would cost more than they do."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gyropilot.api.wire import WireRequest

MAX_BYTES = 2048
"""Longer bodies are none of these."""

_PAGE = frozenset({"SortBy", "SortOrder", "MaxResults", "NextToken"})
MEMBERS: Mapping[str, frozenset[str]] = {
    "SageMaker.DescribeAutoMLJob": frozenset({"AutoMLJobName"}),
    "SageMaker.DescribeAutoMLJobV2": frozenset({"AutoMLJobName"}),
    "SageMaker.DescribeEndpoint": frozenset({"EndpointName"}),
    "SageMaker.DescribeEndpointConfig": frozenset({"EndpointConfigName"}),
    "SageMaker.DescribeModel": frozenset({"ModelName"}),
    "SageMaker.DescribeTrainingJob": frozenset({"TrainingJobName"}),
    "SageMaker.DescribeTransformJob": frozenset({"TransformJobName"}),
    "SageMaker.ListAutoMLJobs": _PAGE,
    "SageMaker.ListEndpointConfigs": _PAGE,
    "SageMaker.ListEndpoints": _PAGE,
    "SageMaker.ListModels": _PAGE,
}
"""The targets of brief requests, and what they may ask for: filters may have to look at every record."""


def is_brief(request: WireRequest) -> bool:
    """Tell whether a request whose body is at hand is brief."""
    members = MEMBERS.get(request.header("x-amz-target"))
    if members is None or request.length > MAX_BYTES:
        return False
    try:
        document = orjson.loads(request.read_body())
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and document.keys() <= members
