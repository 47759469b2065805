"""The `json` protocol (1.0 and 1.1): sagemaker and logs."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from botocore.model import OperationModel

from gyropilot.api.protocols.contracts import Document, WireError
from gyropilot.api.protocols.json_values import dump_object, load_object, parse_value
from gyropilot.api.wire import WireRequest, WireResponse


class JsonProtocol:
    """A POST to `/` whose body is the document and whose `X-Amz-Target` names the operation."""

    def read(self, operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
        """Return the parameters."""
        del labels  # the whole document is in the body
        body = load_object(request.read_body())
        return {} if operation.input_shape is None else parse_value(operation.input_shape, body)

    def write(self, operation: OperationModel, result: Document, request_id: str) -> WireResponse:
        """Return the answer with this result."""
        version = operation.metadata.get("jsonVersion", "1.1")
        return WireResponse(
            status=200, headers=_headers(version, request_id), body=dump_object(operation.output_shape, result)
        )

    def write_error(self, error: WireError, request_id: str) -> WireResponse:
        """Return the answer with this error."""
        body = {"__type": error.code, "message": error.message, **error.members}
        return WireResponse(status=error.status, headers=_headers("1.1", request_id), body=orjson.dumps(body))


def _headers(version: str, request_id: str) -> dict[str, str]:
    return {"Content-Type": f"application/x-amz-json-{version}", "x-amzn-RequestId": request_id}
