"""The `rest-json` protocol: sagemaker-runtime."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from botocore.model import OperationModel

from gyropilot.api.protocols.contracts import Document, WireError
from gyropilot.api.protocols.json_values import dump_object, format_value, load_object, parse_value
from gyropilot.api.protocols.rest import (
    has_body_members,
    payload_member,
    read_locations,
    read_raw_payload,
    write_locations,
)
from gyropilot.api.wire import Stream, WireRequest, WireResponse


class RestJsonProtocol:
    """Path, query string and headers carry members; the body is JSON or raw bytes."""

    def read(self, operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
        """Return the parameters."""
        parsed = read_locations(operation, request, labels)
        shape = operation.input_shape
        payload = payload_member(shape)
        if payload is None:
            if shape is not None and has_body_members(shape):
                parsed |= parse_value(shape, load_object(request.read_body()))
        elif payload[1].type_name in ("blob", "string"):
            parsed[payload[0]] = read_raw_payload(payload[1], request)
        else:
            parsed[payload[0]] = parse_value(payload[1], load_object(request.read_body()))
        return parsed

    def write(self, operation: OperationModel, result: Document, request_id: str) -> WireResponse:
        """Return the answer with this result."""
        status, headers = write_locations(operation, result)
        payload = payload_member(operation.output_shape)
        body: bytes | Stream
        if payload is not None and payload[1].type_name in ("blob", "string"):
            body = _encode(result.get(payload[0], b""))
        elif payload is not None:
            body = orjson.dumps(format_value(payload[1], result.get(payload[0], {})))
        else:
            body = dump_object(operation.output_shape, _body_members(operation, result))
            headers.setdefault("Content-Type", "application/json")
        return WireResponse(status=status, headers={**headers, "x-amzn-RequestId": request_id}, body=body)

    def write_error(self, error: WireError, request_id: str) -> WireResponse:
        """Return the answer with this error."""
        headers = {
            "Content-Type": "application/json",
            "x-amzn-RequestId": request_id,
            "x-amzn-ErrorType": error.code,
        }
        body = orjson.dumps({"Message": error.message, **error.members})
        return WireResponse(status=error.status, headers=headers, body=body)


def _body_members(operation: OperationModel, result: Document) -> Document:
    shape = operation.output_shape
    members = {} if shape is None else shape.members
    return {name: value for name, value in result.items() if "location" not in members[name].serialization}


def _encode(value: bytes | str | Stream) -> bytes | Stream:
    return value.encode() if isinstance(value, str) else value
