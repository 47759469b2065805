"""The way of a request: one list of steps from its bytes to the bytes of its answer."""

from __future__ import annotations

import hmac
import logging
import uuid
from datetime import UTC, datetime

from botocore.model import OperationModel

from gyropilot.api.checksums import CHECKSUMS, HEADER_PREFIX, NOT_ALGORITHMS, compute
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
from gyropilot.api.operations.context import Context, Operation
from gyropilot.api.protocols.catalogue import protocol_of
from gyropilot.api.protocols.contracts import MalformedRequestError, WireError
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
        sent_body = request.body
        aws_service = find_service(request)
        protocol = protocol_of(aws_service)
        try:
            request = authenticate(request, aws_service, self._credentials, self._clock())
            route = find_operation(aws_service, request)
            check_checksums(request, route.operation)
            operation = find_function(route)
            params = protocol.read(route.operation, request, route.labels)
            check_document(route, params)
            context = Context(service=self._service, aws_service=aws_service, operation=route.operation.name)
            result = operation(context, params)
            response = protocol.write(route.operation, result, request_id)
        except Exception as error:
            wire_error = self._translate(error, aws_service, request_id)
            response = protocol.write_error(wire_error, request_id)
            if request.method == "HEAD" or wire_error.status == 304:  # HTTP allows neither of them a body
                response = WireResponse(status=response.status, headers=response.headers)
        finally:
            if request.body is not sent_body:  # it was decoded into another file
                request.body.close()
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


def find_function(route: Route) -> Operation:
    """Return what does the operation.

    Raises:
        ApiError: when it is not served.
    """
    name = route.operation.name
    function = BY_NAME.get((route.service, name))
    if function is None:
        raise ApiError.of(not_implemented(route.service, f"{name} is not implemented by Gyropilot yet."))
    return function


def check_document(route: Route, params: dict[str, object]) -> None:
    """Check the parameters against the service model.

    Raises:
        ApiError: when they break its constraints; lists all of them.
    """
    if violations := find_violations(route.operation.input_shape, params):
        raise ApiError.of(invalid(route.service, word_violations(violations)))


def check_checksums(request: WireRequest, operation: OperationModel) -> None:
    """Check the body against the checksums in the headers; of a multipart upload's end they are not the body's.

    Raises:
        ApiError: when one does not match or cannot be computed.
    """
    if "content-md5" in request.headers:
        _check_checksum(request, "md5", request.header("content-md5"), "BadDigest")
    if not operation.http_checksum.get("requestAlgorithmMember"):
        return
    for name, value in request.headers.items():
        algorithm = name.removeprefix(HEADER_PREFIX)
        if algorithm == name or algorithm in NOT_ALGORITHMS:
            continue
        _check_checksum(request, algorithm, value, "BadDigest")


def _check_checksum(request: WireRequest, algorithm: str, value: str, code: str) -> None:
    if algorithm not in CHECKSUMS:
        message = f"Gyropilot cannot compute the checksum {algorithm}; use one of {', '.join(CHECKSUMS)}."
        raise ApiError("NotImplemented", message, 501)
    if not hmac.compare_digest(compute(CHECKSUMS[algorithm], request.body).encode(), value.encode()):
        raise ApiError(code, f"The {algorithm.upper()} you specified did not match the calculated checksum.")
