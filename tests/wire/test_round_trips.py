"""botocore writes and we read the same; we write and botocore reads the same."""

from __future__ import annotations

import io
import random
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from gyropilot.api.models import SERVICES, load_operation, load_service
from gyropilot.api.operations.catalogue import SERVED
from gyropilot.api.protocols.catalogue import protocol_of
from gyropilot.api.protocols.query import read_form
from gyropilot.api.routing import match_path
from gyropilot.api.wire import Stream, WireRequest
from tests.wire.generate import Generator

EVENT_STREAMS = {"SelectObjectContent", "InvokeEndpointWithResponseStream", "StartLiveTail", "GetLogObject"}


def serialize(operation: OperationModel, params: dict[str, Any]) -> WireRequest:
    service = operation.service_model
    serializer = create_serializer(service.protocol, include_validation=False)
    made = serializer.serialize_to_request(params, operation)
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    url = f"http://host{made['url_path']}"
    joiner = "&" if "?" in url else "?"
    pairs = [
        (name, value)
        for name, values in (made["query_string"] or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if pairs:
        url += joiner + urlencode(pairs, quote_via=quote)
    path, _, query = url.removeprefix("http://host").partition("?")
    return WireRequest(
        method=made["method"], path=path, query=query, headers=headers, body=io.BytesIO(body), length=len(body)
    )


def settle(value: Any) -> Any:
    """Read streams to their end, so that they compare."""
    if isinstance(value, dict):
        return {name: settle(item) for name, item in value.items()}
    return value.read() if hasattr(value, "read") else value


def check_request(operation: OperationModel, rng: random.Random) -> None:
    params = Generator(rng).document(operation.input_shape)
    request = serialize(operation, params)
    service = operation.service_model.service_name
    labels: dict[str, str] = {}
    if operation.service_model.protocol.startswith("rest"):
        found = match_path(service, request)
        assert found is not None
        assert found[0] == operation.name
        labels = found[1]
    elif operation.service_model.protocol == "query":
        assert read_form(request)["Action"] == operation.name
    got = settle(protocol_of(service).read(operation, request, labels))
    payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
    if payload and payload not in params:
        got.pop(payload, None)  # an absent raw body and an empty one look the same
    assert got == params


def check_response(operation: OperationModel, rng: random.Random) -> None:
    result = Generator(rng).document(operation.output_shape)
    response = protocol_of(operation.service_model.service_name).write(operation, result, "req-1")
    assert not isinstance(response.body, Stream)
    shape = operation.output_shape
    payload = str(shape.serialization.get("payload", "")) if shape else ""
    raw = bool(payload) and shape is not None and shape.members[payload].type_name in ("blob", "string")
    parser = create_parser(operation.service_model.protocol)
    parsed = parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": io.BytesIO(response.body) if raw else response.body,
            "context": {"operation_name": operation.name},
        },
        shape,  # type: ignore[arg-type]  # None is what botocore itself passes
    )
    metadata = parsed.pop("ResponseMetadata")
    assert metadata["RequestId"] == "req-1"
    got = settle(parsed)
    if raw and shape is not None and shape.members[payload].type_name == "string":
        got[payload] = got[payload].decode()
    if payload and payload not in result:
        got.pop(payload, None)
    for name, member in (shape.members if shape else {}).items():
        if member.serialization.get("location") == "headers" and name not in result:
            got.pop(name, None)  # botocore gives an empty map
    assert got == result


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.name)
@seed(1)
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.integers(0, 2**32))
def test_served_requests_read_as_botocore_wrote_them(served: Any, numbers: int) -> None:
    check_request(load_operation(served.service, served.name), random.Random(numbers))


@pytest.mark.parametrize("served", [s for s in SERVED if s.name != "GetBucketLocation"], ids=lambda served: served.name)
@seed(2)
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.integers(0, 2**32))
def test_served_results_read_by_botocore_as_we_wrote_them(served: Any, numbers: int) -> None:
    check_response(load_operation(served.service, served.name), random.Random(numbers))


UNROUTABLE = {
    "GetBucketLifecycle": "deprecated twin",
    "GetBucketNotification": "deprecated twin",
    "PutBucketLifecycle": "deprecated twin",
    "PutBucketNotification": "deprecated twin",
    "ListDirectoryBuckets": "another host in AWS",
    "WriteGetObjectResponse": "another host in AWS",
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_the_services_reads_and_writes(service: str) -> None:
    for name in load_service(service).operation_names:
        operation = load_operation(service, name)
        if name in EVENT_STREAMS or name in UNROUTABLE:
            continue
        check_request(operation, random.Random(7))
        if name != "GetBucketLocation":
            check_response(operation, random.Random(8))
