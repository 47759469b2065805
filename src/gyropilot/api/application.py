"""The way of a request: one list of steps from its bytes to the bytes of its answer."""

from __future__ import annotations

import io
import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, cast

from botocore.model import OperationModel

from gyropilot.api.checksums import HEADER_PREFIX, PIECE_BYTES, CheckedBody
from gyropilot.api.chunks import ChunkedBody
from gyropilot.api.errors import (
    ApiError,
    Place,
    internal_failure,
    invalid,
    malformed,
    not_implemented,
    translate_error,
    unknown_operation,
)
from gyropilot.api.operations.catalogue import BY_NAME
from gyropilot.api.operations.context import Context
from gyropilot.api.protocols.catalogue import protocol_of
from gyropilot.api.protocols.contracts import MalformedRequestError, WireError
from gyropilot.api.protocols.rest import is_streamed
from gyropilot.api.routing import Route, UnknownOperationError, find_operation, find_service
from gyropilot.api.signatures import CredentialStore, authenticate
from gyropilot.api.validation import find_violations, word_violations
from gyropilot.api.wire import WireRequest, WireResponse
from gyropilot.service.errors import ServiceError
from gyropilot.service.ports import Clock
from gyropilot.service.service import Service

log = logging.getLogger(__name__)

MAX_OBJECT_BYTES = 5 * 1024**3
MAX_DOCUMENT_BYTES = 10 * 1024**2


class Application:
    """Answers requests; safe to use from many threads."""

    def __init__(
        self, service: Service, credentials: CredentialStore, *, clock: Clock = lambda: datetime.now(UTC)
    ) -> None:
        self._service = service
        self._credentials = credentials
        self._clock = clock

    def handle(self, request: WireRequest) -> WireResponse:
        """Return the answer to a request, whatever happens."""
        request_id = str(uuid.uuid4())
        aws_service = find_service(request)
        protocol = protocol_of(aws_service)
        try:
            request = authenticate(request, aws_service, self._credentials, self._clock())
            route = find_operation(aws_service, request)
            request = open_body(request, route.operation)
            params = protocol.read(route.operation, request, route.labels)
            check_document(route, params)
            operation = BY_NAME.get((aws_service, route.operation.name))
            if operation is None:
                name = route.operation.name
                raise ApiError.of(not_implemented(aws_service, f"{name} is not implemented by Gyropilot yet."))  # noqa: TRY301
            result = operation(Context(service=self._service, aws_service=aws_service), params)
            response = protocol.write(route.operation, result, request_id)
        except Exception as error:
            wire_error = self._translate(error, aws_service, request_id)
            response = protocol.write_error(wire_error, request_id)
            if request.method == "HEAD" or wire_error.status == 304:  # HTTP allows neither of them a body
                response = WireResponse(status=response.status, headers=response.headers)
        return response

    def refuse_large_body(self, request: WireRequest) -> WireResponse | None:
        """Return the refusal of a request whose body is too long to be read, judged by its head and `length` alone."""
        aws_service = find_service(request)
        limit = MAX_OBJECT_BYTES if aws_service == "s3" else MAX_DOCUMENT_BYTES
        if request.length <= limit:
            return None
        code, status = ("EntityTooLarge", 400) if aws_service == "s3" else ("RequestEntityTooLargeException", 413)
        error = WireError(code=code, message=f"The body must not be longer than {limit} bytes.", status=status)
        return protocol_of(aws_service).write_error(error, str(uuid.uuid4()))

    def _translate(self, error: Exception, aws_service: str, request_id: str) -> WireError:
        if isinstance(error, ApiError):
            return error.error
        if isinstance(error, ServiceError):
            return translate_error(error, Place(service=aws_service, identity=self._service.identity))
        if isinstance(error, MalformedRequestError):
            return malformed(aws_service, str(error))
        if isinstance(error, UnknownOperationError):
            return unknown_operation(aws_service, str(error))
        log.error("request %s failed", request_id, exc_info=error)
        return internal_failure(aws_service)


def check_document(route: Route, params: dict[str, object]) -> None:
    """Check the parameters against the service model.

    Raises:
        ApiError: when they break its constraints; lists all of them.
    """
    if violations := find_violations(route.operation.input_shape, params):
        raise ApiError.of(invalid(route.service, word_violations(violations)))


def open_body(request: WireRequest, operation: OperationModel) -> WireRequest:
    """Return the request with a body that is checked against the checksums in its headers.

    Content that the operation reads piece by piece is checked at its end; a document is read and checked here. Where
    the model states no checksum of the body, those in the headers are of something else: of an upload's object.

    Raises:
        ApiError: when a checksum does not match or cannot be computed, or a document is too long.
    """
    stated = request.headers
    if not operation.http_checksum.get("requestAlgorithmMember"):
        stated = {name: value for name, value in stated.items() if not name.startswith(HEADER_PREFIX)}
    chunked = request.body if isinstance(request.body, ChunkedBody) else None
    body = CheckedBody(request.body, stated, chunked)
    if is_streamed(operation):
        return replace(request, body=cast("BinaryIO", body))
    document = read_document(body)
    return replace(request, body=io.BytesIO(document), length=len(document))


def read_document(body: CheckedBody) -> bytes:
    """Return a whole body.

    Raises:
        ApiError: when it is too long.
    """
    document = bytearray()
    while piece := body.read(PIECE_BYTES):
        document += piece
        if len(document) > MAX_DOCUMENT_BYTES:
            raise ApiError("MaxMessageLengthExceeded", f"The document is longer than {MAX_DOCUMENT_BYTES} bytes.")
    return bytes(document)
