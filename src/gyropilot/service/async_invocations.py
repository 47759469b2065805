"""Asynchronous invocations: requests that lie in a queue, and whose answers become objects."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gyropilot.service.changes import change_record
from gyropilot.service.errors import (
    BlobNotFoundError,
    BucketNotFoundError,
    InvalidBlobKeyError,
    InvalidBucketNameError,
    InvalidRequestError,
    NotFoundError,
)
from gyropilot.service.invocations import Invocation, InvocationService
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore, Clock, Query, RecordStore
from gyropilot.service.records import AsyncInvocation

MAX_INPUT_BYTES = 1 << 30
"""The longest request: AWS's limit."""
MAX_ATTEMPTS = 3
"""How often a request is sent that nobody answers."""


class UnansweredError(Exception):
    """An invocation can have no answer; the message says why."""


@dataclass(frozen=True, kw_only=True)
class AsyncRequest:
    """What an asynchronous invocation asks for."""

    endpoint: str
    """The endpoint's name."""
    headers: Mapping[str, str]
    """What goes to the model with the rows; keys in lower case."""
    input_uri: str = ""
    """`s3://` location of the rows; empty: they are in `body`."""
    body: bytes = b""
    """The rows."""
    inference_id: str = ""
    """What the caller calls it; empty: a name is made up."""
    folder: str = ""
    """Where the answer goes below the endpoint's output path."""
    filename: str = ""
    """What the answer is called; empty: a name is made up."""
    queue_seconds: float
    """How long it may wait for its turn."""
    timeout_seconds: float
    """How long the model may take."""


class AsyncInvocationService:
    """Takes asynchronous invocations, answers them one at a time, and forgets them once their answers are stored."""

    def __init__(
        self,
        *,
        records: RecordStore,
        blobs: BlobStore,
        invocations: InvocationService,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._invocations = invocations
        self._clock = clock
        self._wake = wake

    def submit(self, request: AsyncRequest) -> AsyncInvocation:
        """Queue an invocation; once this returns it survives a restart of the server.

        Raises:
            NotFoundError: when there is no endpoint of this name, in this case of letters.
            EndpointNotReadyError: when it is not in service.
            InvalidRequestError: when it takes no asynchronous invocations, or there is not exactly one input.
        """
        endpoint = self._invocations.find_endpoint(request.endpoint)
        places = endpoint.asynchronous
        if places is None:
            raise InvalidRequestError(
                f"Endpoint {endpoint.name} takes no asynchronous invocations: its configuration has no "
                "AsyncInferenceConfig."
            )
        if bool(request.input_uri) == bool(request.body):
            raise InvalidRequestError("Exactly one of InputLocation and Body must be provided.")
        if request.input_uri:
            Location.parse(request.input_uri)
        name, now = str(uuid.uuid4()), self._clock()
        folder = [part for part in request.folder.split("/") if part]
        failure = places.failure_uri and str(Location.parse(places.failure_uri).child(*folder, f"{name}-error.out"))
        stored = self._records.insert(
            AsyncInvocation(
                name=name,
                parent=endpoint.name,
                inference_id=request.inference_id or name,
                input_uri=request.input_uri,
                body=request.body,
                headers=request.headers,
                output_uri=str(Location.parse(places.output_uri).child(*folder, request.filename or f"{name}.out")),
                failure_uri=failure,
                expires_at=now + timedelta(seconds=request.queue_seconds),
                timeout_seconds=request.timeout_seconds,
                created_at=now,
                modified_at=now,
            )
        )
        self._wake()
        return stored

    def find(self, query: Query) -> Sequence[AsyncInvocation]:
        """Return the invocations without an answer that the query selects."""
        return self._records.find(AsyncInvocation, query)

    def answer(self, invocation: AsyncInvocation) -> str:
        """Send an invocation to a model, store the answer and forget the invocation; return where the answer is.

        Raises:
            UnansweredError: when there can be no answer, as it is now.
            ServiceError: when the endpoint or the model does not answer well.
        """
        if invocation.attempts >= MAX_ATTEMPTS:
            raise UnansweredError(f"The request was sent {MAX_ATTEMPTS} times without an answer.")
        if self._clock() > invocation.expires_at:
            raise UnansweredError("The request expired before its turn came.")
        body = self._read_input(invocation)
        self._count_attempt(invocation, 1)
        _, answer = self._invocations.invoke(
            Invocation(
                endpoint=invocation.parent,
                body=body,
                headers=invocation.headers,
                timeout_seconds=invocation.timeout_seconds,
            )
        )
        kind = answer.headers.get("content-type", "application/octet-stream")
        self._put(invocation.output_uri, answer.body, kind)
        self._forget(invocation)
        return invocation.output_uri

    def fail(self, invocation: AsyncInvocation, reason: str) -> None:
        """Store why there is no answer, if the endpoint has a place for that, and forget the invocation.

        Raises:
            ServiceError: when that cannot be stored.
        """
        if invocation.failure_uri:
            self._put(invocation.failure_uri, reason.encode(), "text/plain; charset=utf-8")
        self._forget(invocation)

    def give_up(self, invocation: AsyncInvocation) -> None:
        """Forget an invocation of which nothing can be stored."""
        self._forget(invocation)

    def take_back(self, invocation: AsyncInvocation) -> None:
        """Leave an invocation to the next server: the attempt of this one does not count."""
        self._count_attempt(invocation, -1)

    def _read_input(self, invocation: AsyncInvocation) -> bytes:
        if not invocation.input_uri:
            return invocation.body
        place = Location.parse(invocation.input_uri)
        try:
            with self._blobs.open(place.bucket, place.key) as (blob, content):
                if blob.size > MAX_INPUT_BYTES:
                    raise UnansweredError(f"{place} has {blob.size} bytes, more than {MAX_INPUT_BYTES}.")
                return content.read()
        except (BucketNotFoundError, InvalidBucketNameError, BlobNotFoundError, InvalidBlobKeyError):
            raise UnansweredError(f"There is no object at {invocation.input_uri}.") from None

    def _count_attempt(self, invocation: AsyncInvocation, count: int) -> None:
        def change(stored: AsyncInvocation) -> AsyncInvocation:
            return replace(stored, attempts=max(0, stored.attempts + count))

        change_record(self._records, AsyncInvocation, invocation.name, change, parent=invocation.parent)

    def _put(self, uri: str, content: bytes, content_type: str) -> None:
        place = Location.parse(uri)
        self._blobs.put(place.bucket, place.key, io.BytesIO(content), BlobProperties(content_type=content_type))

    def _forget(self, invocation: AsyncInvocation) -> None:
        try:
            self._records.delete(AsyncInvocation, invocation.name, parent=invocation.parent)
        except NotFoundError:
            return
