"""The way of a request: one list of steps from its bytes to the bytes of its answer."""

from __future__ import annotations

import io
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO, cast

from botocore.model import OperationModel

from gyropilot.api.addressing import move_bucket_into_path, remove_bucket
from gyropilot.api.audit import name_resource
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
from gyropilot.api.operations.brief import is_brief
from gyropilot.api.operations.catalogue import BY_NAME
from gyropilot.api.operations.context import Context, Operation
from gyropilot.api.permissions import check_permission
from gyropilot.api.presigned import signs_bucket_in_path
from gyropilot.api.protocols.catalogue import protocol_of
from gyropilot.api.protocols.contracts import MalformedRequestError, WireError
from gyropilot.api.protocols.rest import is_streamed
from gyropilot.api.routing import Route, UnknownOperationError, find_operation, find_service, find_unserved_service
from gyropilot.api.signatures import CredentialStore, authenticate
from gyropilot.api.validation import find_violations, word_violations
from gyropilot.api.wire import WireRequest, WireResponse
from gyropilot.service.access import Caller
from gyropilot.service.audit import AuditEntry, AuditLog
from gyropilot.service.errors import ServiceError
from gyropilot.service.ports import Clock
from gyropilot.service.service import Service

log = logging.getLogger(__name__)

MAX_OBJECT_BYTES = 5 * 1024**3
MAX_DOCUMENT_BYTES = 10 * 1024**2
LONG_BYTES = 1 << 20


@dataclass(kw_only=True)
class _Exchange:
    """What is known of one request so far."""

    aws_service: str
    """The service that answers, by botocore's name."""
    unserved: str
    """The service asked for, when it is one that is not served: another one of its protocol words the refusal."""
    at: datetime
    began: float = field(default_factory=time.perf_counter)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    caller: Caller | None = None
    operation: str = ""
    resource: str = ""


class Application:
    """Answers requests; safe to use from many threads.

    Args:
        service: does the work.
        credentials: knows the access keys.
        audit: keeps who did what; None: nobody does.
        allows_anonymous: whether requests without any signature are let in.
        s3_domains: the server's own names; what stands before one of them in the name of a host is a bucket.
        s3_elsewhere: where the objects are kept, when that is not here; S3 is not answered then.
        records_are_near: whether a record is read in less time than a change of threads takes.
        clock: gives the time.
    """

    def __init__(
        self,
        service: Service,
        credentials: CredentialStore,
        *,
        audit: AuditLog | None = None,
        allows_anonymous: bool = False,
        s3_domains: Sequence[str] = (),
        s3_elsewhere: str = "",
        records_are_near: bool = False,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._service = service
        self._credentials = credentials
        self._audit = audit
        self._allows_anonymous = allows_anonymous
        self._s3_domains = s3_domains
        self._s3_elsewhere = s3_elsewhere
        self._records_are_near = records_are_near
        self._clock = clock

    def handle(self, request: WireRequest) -> WireResponse:
        """Return the answer to a request, whatever happens."""
        exchange = self._open_exchange(request)
        protocol = protocol_of(exchange.aws_service)
        error: WireError | None = None
        try:
            response = self._answer(request, exchange)
        except Exception as failure:
            error = self._translate(failure, exchange.aws_service, exchange.request_id)
            response = protocol.write_error(error, exchange.request_id)
            if request.method == "HEAD" or error.status == 304:  # HTTP allows neither of them a body
                response = WireResponse(status=response.status, headers=response.headers)
        self._note(exchange, response.status, error)
        return response

    def _open_exchange(self, request: WireRequest) -> _Exchange:
        unserved = find_unserved_service(request)
        return _Exchange(aws_service=find_service(request), unserved=unserved, at=self._clock())

    def _answer(self, request: WireRequest, exchange: _Exchange) -> WireResponse:
        """Take the steps of a request, one after the other, and note in the exchange how far it came."""
        aws_service, protocol = exchange.aws_service, protocol_of(exchange.aws_service)
        if aws_service == "s3" and signs_bucket_in_path(request):
            request = move_bucket_into_path(request, self._s3_domains)
        signed = authenticate(
            request, aws_service, self._credentials, exchange.at, allows_anonymous=self._allows_anonymous
        )
        exchange.caller = signed.caller
        if exchange.unserved:
            message = f"Gyropilot does not serve the AWS service that signs as '{exchange.unserved}'."
            raise ApiError.of(not_implemented(aws_service, message))
        if aws_service == "s3" and self._s3_elsewhere:
            raise ApiError("NotImplemented", f"Objects are not kept here but in the S3 at {self._s3_elsewhere}.", 501)
        sent = signed.request
        if aws_service == "s3" and not signs_bucket_in_path(request):
            sent = move_bucket_into_path(sent, self._s3_domains)
        route = find_operation(aws_service, sent)
        exchange.operation = route.operation.name
        check_permission(signed.caller, aws_service, route.operation.name, self._service.identity)
        function = find_function(route)
        opened = open_body(sent, route.operation)
        params = protocol.read(route.operation, opened, route.labels)
        exchange.resource = name_resource(route, params)
        check_document(route, params)
        context = Context(
            service=self._service,
            aws_service=aws_service,
            operation=route.operation.name,
            caller=signed.caller,
            began=exchange.began,
            host=remove_bucket(request.header("host"), self._s3_domains),
        )
        return protocol.write(route.operation, function(context, params), exchange.request_id)

    def reads_body_as_it_comes(self, request: WireRequest) -> bool:
        """Tell, by a request's head, whether its body is long content, which is not to be kept before it is stored.

        The signature is checked before the first byte is read, so what nobody signed is refused at once.
        """
        is_long = request.length > LONG_BYTES or "transfer-encoding" in request.headers
        return is_long and request.method == "PUT" and find_service(request) == "s3"

    def is_invocation(self, request: WireRequest) -> bool:
        """Tell whether a request is for a model, which may let it wait."""
        return find_service(request) == "sagemaker-runtime"

    def answers_at_once(self, request: WireRequest) -> bool:
        """Tell whether a request whose body is at hand is answered so soon that it keeps nobody waiting."""
        return self._records_are_near and is_brief(request)

    def refuse_large_body(self, request: WireRequest) -> WireResponse | None:
        """Return the refusal of a request whose body is too long to be read, judged by its head and `length` alone."""
        if request.length <= MAX_DOCUMENT_BYTES:
            return None
        exchange = self._open_exchange(request)
        is_content = exchange.aws_service == "s3" and request.method == "PUT"
        limit = MAX_OBJECT_BYTES if is_content else MAX_DOCUMENT_BYTES
        if request.length <= limit:
            return None
        is_s3 = exchange.aws_service == "s3"
        code, status = ("EntityTooLarge", 400) if is_s3 else ("RequestEntityTooLargeException", 413)
        error = WireError(code=code, message=f"The body must not be longer than {limit} bytes.", status=status)
        self._note(exchange, status, error)
        return protocol_of(exchange.aws_service).write_error(error, exchange.request_id)

    def _note(self, exchange: _Exchange, status: int, error: WireError | None) -> None:
        """Write a request into the audit log; a log that cannot be written keeps nobody from the answer."""
        if self._audit is None:
            return
        caller = exchange.caller
        entry = AuditEntry(
            at=exchange.at,
            request_id=exchange.request_id,
            user=caller.user if caller is not None else "",
            access_key_id=caller.access_key_id if caller is not None else "",
            service=exchange.unserved or exchange.aws_service,
            operation=exchange.operation,
            resource=exchange.resource,
            status=status,
            error=error.code if error is not None else "",
        )
        try:
            self._audit.write(entry)
        except OSError:
            log.exception("the audit log cannot be written: %s", entry)

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
