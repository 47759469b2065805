"""Requests on their way to the models of endpoints."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gyropilot.service.book import Book
from gyropilot.service.errors import (
    EndpointNotReadyError,
    ModelAnsweredError,
    ModelTimedOutError,
    ModelUnreachableError,
    NotFoundError,
    VariantNotFoundError,
)
from gyropilot.service.ports import Answer, ModelClient, RecordStore
from gyropilot.service.records import Endpoint, Variant

INVOCATION_SECONDS = 60.0
"""How long a model may take to answer: AWS's limit."""
WAITING_SECONDS = 10.0
"""How long a request waits for a model server that is being started again."""
LOOK_SECONDS = 1.0
"""How often a waiting request looks what the endpoint serves now."""
MAX_SENT = 96
"""How many requests are sent to models at once: more threads that work would only hold each other up."""
MAX_WAITING = 224
"""How many requests may wait: some threads are left for those to other endpoints."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One request to an endpoint."""

    endpoint: str
    """Its name, in this case of letters."""
    body: bytes
    """The rows."""
    headers: Mapping[str, str]
    """What goes to the model with them; keys in lower case."""
    variant: str = ""
    """The variant that is to answer; empty: chosen by weight."""
    timeout_seconds: float = INVOCATION_SECONDS
    """How long the model may take."""
    began: float = field(default_factory=time.perf_counter)
    """When the request came, by `time.perf_counter`."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request that was sent to a model, and what came of it."""

    endpoint: Endpoint
    """The endpoint as it was then."""
    variant: str
    """The variant that was asked."""
    invocation: Invocation
    """What was asked."""
    answer: Answer | None
    """What the model answered; None: nothing."""
    status: int
    """The answer's HTTP status, or what stands for its lack."""
    model_seconds: float
    """How long the model took."""
    seconds: float
    """How long all of it took."""


class InvocationService:
    """Passes requests to the models of endpoints; safe to use from several threads.

    Args:
        records: where endpoints are.
        client: speaks to model servers.
        book: where these answer.
        observers: are told of every request that was sent to a model; they must be quick.
    """

    def __init__(
        self,
        *,
        records: RecordStore,
        client: ModelClient,
        book: Book,
        observers: Sequence[Callable[[Exchange], None]] = (),
    ) -> None:
        self._observers = observers
        self._records = records
        self._client = client
        self._book = book
        self._dice = random.Random(0)  # noqa: S311  # shares traffic, keeps no secret
        self._served: dict[str, Endpoint] = {}
        self._forgotten = 0
        self._lock = threading.Lock()
        self._sending = threading.BoundedSemaphore(MAX_SENT)
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)

    def forget(self, endpoint: str) -> None:
        """Look up anew what an endpoint serves: it was changed."""
        with self._lock:
            self._forgotten += 1
            self._served.pop(endpoint, None)

    def invoke(self, invocation: Invocation) -> tuple[str, Answer]:
        """Send a request to a model of the endpoint and return variant and answer.

        While the model server is being started again the request waits. It is sent to another one only if it reached
        none before, since an invocation may have effects.

        Raises:
            NotFoundError: when there is no endpoint of this name, in this case of letters.
            EndpointNotReadyError: when it is not in service.
            VariantNotFoundError: when it has no such variant.
            ModelAnsweredError: when the model answered with an error.
            ModelTimedOutError: when it gave no answer in time.
            ModelUnreachableError: when it cannot be reached.
        """
        found = self._try(invocation, seconds=0)
        if found is None:
            if not self._waiting.acquire(blocking=False):
                raise ModelUnreachableError(invocation.endpoint)
            try:
                found = self._try_again(invocation)
            finally:
                self._waiting.release()
        variant, answer = found
        if answer.status >= 400:  # HTTP's border between success and error
            raise ModelAnsweredError(invocation.endpoint, answer.status, answer.body)
        return variant, answer

    def find_endpoint(self, name: str) -> Endpoint:
        """Return an endpoint that serves.

        Raises:
            NotFoundError: when there is none of this name, in this case of letters.
            EndpointNotReadyError: when it is not in service.
        """
        return self._served.get(name) or self._look_up(name)

    def _try_again(self, invocation: Invocation) -> tuple[str, Answer]:
        deadline = time.monotonic() + WAITING_SECONDS
        while time.monotonic() < deadline:
            self.forget(invocation.endpoint)  # it may have been updated, or be gone
            if found := self._try(invocation, seconds=LOOK_SECONDS):
                return found
        raise ModelUnreachableError(invocation.endpoint)

    def _try(self, invocation: Invocation, *, seconds: float) -> tuple[str, Answer] | None:
        """Return variant and answer; None: no server of the variant could be reached."""
        name = invocation.endpoint
        endpoint = self.find_endpoint(name)
        chosen = self._choose_variant(endpoint, invocation.variant)
        with self._book.borrow(name, chosen.name, seconds=seconds) as address:
            answer = None if address is None else self._send(endpoint, chosen.name, address, invocation)
        return None if answer is None else (chosen.name, answer)

    def _send(self, endpoint: Endpoint, variant: str, address: str, invocation: Invocation) -> Answer | None:
        """Return the answer of a model server; None: it could not be reached."""
        with self._sending:
            tell = partial(self._tell, endpoint, variant, invocation, time.perf_counter())
            try:
                answer = self._client.invoke(
                    address, invocation.body, invocation.headers, timeout_seconds=invocation.timeout_seconds
                )
            except TimeoutError:
                tell(None, 504)  # HTTP: timed out
                raise ModelTimedOutError(endpoint.name, invocation.timeout_seconds) from None
            except ConnectionRefusedError:
                self._book.strike(endpoint.name, variant, address)
                return None
            except ConnectionError:
                tell(None, 503)  # HTTP: unavailable
                self._book.wake()
                raise ModelUnreachableError(endpoint.name) from None
        tell(answer, answer.status)
        return answer

    def _tell(
        self, endpoint: Endpoint, variant: str, invocation: Invocation, sent: float, answer: Answer | None, status: int
    ) -> None:
        now = time.perf_counter()
        exchange = Exchange(
            endpoint=endpoint,
            variant=variant,
            invocation=invocation,
            answer=answer,
            status=status,
            model_seconds=now - sent,
            seconds=now - invocation.began,
        )
        for observe in self._observers:
            observe(exchange)

    def _look_up(self, name: str) -> Endpoint:
        forgotten = self._forgotten
        endpoint = self._records.get(Endpoint, name)
        if endpoint.name != name:  # creating ignores case, invoking does not
            raise NotFoundError(Endpoint.kind, name)
        if not endpoint.status.serves:
            raise EndpointNotReadyError(name, endpoint.status)
        with self._lock:
            if forgotten == self._forgotten:  # otherwise it may have changed since it was read
                self._served[name] = endpoint
        return endpoint

    def _choose_variant(self, endpoint: Endpoint, name: str) -> Variant:
        if name:
            for variant in endpoint.variants:
                if variant.name == name:
                    return variant
            raise VariantNotFoundError(endpoint.name, name)
        if len(endpoint.variants) == 1:
            return endpoint.variants[0]
        weights = [variant.weight for variant in endpoint.variants]
        return self._dice.choices(endpoint.variants, weights=weights if any(weights) else None)[0]
