"""Answers what lies in the queue of asynchronous invocations: the oldest first, so many at once as endpoints allow."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from gyropilot.service.async_invocations import MAX_ATTEMPTS, AsyncInvocationService, UnansweredError
from gyropilot.service.book import Book
from gyropilot.service.endpoints import EndpointService
from gyropilot.service.errors import ModelAnsweredError, ModelUnreachableError, ServiceError
from gyropilot.service.ports import Clock, Query
from gyropilot.service.records import AsyncInvocation, Endpoint

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
THREADS = 32
"""How many invocations are answered at once at most, of all endpoints."""
DEFAULT_PER_INSTANCE = 4
"""How many a model server answers at once, unless its endpoint says so."""
ORPHANS = 100
"""How many of those whose endpoint is gone are looked for in a round."""
PAUSE_SECONDS = 5.0
"""How long one waits that could not be answered or stored, before it is tried again."""
GRACE_SECONDS = 5.0
"""How long those under way have when the server ends."""
LOG_STREAM = "async-invocations"


class AsyncQueue:
    """Runs in a thread of its own; its work is done by others.

    An invocation is forgotten only once its answer, or why there is none, is stored. So it may be sent twice when a
    server is killed, but none is lost.
    """

    def __init__(
        self, *, invocations: AsyncInvocationService, endpoints: EndpointService, book: Book, clock: Clock
    ) -> None:
        self._invocations = invocations
        self._endpoints = endpoints
        self._book = book
        self._clock = clock
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}
        self._paused: dict[str, datetime] = {}
        self._is_ending = False

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    def run(self, stopped: threading.Event) -> None:
        """Answer until told to stop; what is under way then has a little time."""
        futures = set()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="async invocation")
        while not stopped.is_set():
            self._bell.clear()
            try:
                for invocation in self.choose():
                    futures.add(pool.submit(self.answer, invocation))
            except Exception:
                log.exception("the queue of asynchronous invocations could not be read, and is again")
            futures = {future for future in futures if not future.done()}
            self._bell.wait(IDLE_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        wait([future for future in futures if not future.cancelled()], GRACE_SECONDS)
        self._is_ending = True

    def choose(self) -> list[AsyncInvocation]:
        """Return the invocations whose turn it is, and count them as running until they are answered."""
        with self._lock:
            chosen = list(self._find_next())
            self._running |= {invocation.name: invocation.parent for invocation in chosen}
        return chosen

    def answer(self, invocation: AsyncInvocation) -> None:
        """Bring one invocation to its end, or leave it to another round."""
        try:
            self._answer(invocation)
        except Exception:
            log.exception("the asynchronous invocation %s could not be answered, and is again", invocation.name)
            self._paused[invocation.name] = self._clock() + timedelta(seconds=PAUSE_SECONDS)
        finally:
            with self._lock:
                self._running.pop(invocation.name, None)
            self._bell.set()

    def _find_next(self) -> Iterator[AsyncInvocation]:
        now = self._clock()
        self._paused = {name: until for name, until in self._paused.items() if until > now}
        endpoints = self._endpoints.find(Query())
        known = {endpoint.name for endpoint in endpoints}
        for invocation in self._invocations.find(Query(limit=ORPHANS)):
            if invocation.parent not in known and invocation.name not in self._running:
                yield invocation
        for endpoint in endpoints:
            if endpoint.asynchronous is None or not self._is_reachable(endpoint):
                continue
            busy = sum(parent == endpoint.name for parent in self._running.values())
            room = _count_room(endpoint) - busy
            query = Query(parent=endpoint.name, limit=room + busy + len(self._paused))
            waiting = self._invocations.find(query) if room > 0 else ()
            free = [each for each in waiting if each.name not in self._running and each.name not in self._paused]
            yield from free[:room]

    def _is_reachable(self, endpoint: Endpoint) -> bool:
        """Tell whether a request gets an answer now, be it only that the endpoint does not serve."""
        return not endpoint.status.serves or any(
            self._book.addresses(endpoint.name, variant.name) for variant in endpoint.variants
        )

    def _answer(self, invocation: AsyncInvocation) -> None:
        try:
            place = self._invocations.answer(invocation)
            self._log(invocation, f"answered: {place}")
        except UnansweredError as error:
            self._fail(invocation, str(error))
        except ModelUnreachableError as error:
            if self._is_ending:
                self._invocations.take_back(invocation)
            elif invocation.attempts + 1 >= MAX_ATTEMPTS:
                self._fail(invocation, str(error))
            else:
                self._paused[invocation.name] = self._clock() + timedelta(seconds=PAUSE_SECONDS)
        except ModelAnsweredError as error:
            self._fail(invocation, f"{error}: {error.body.decode(errors='replace')}")
        except ServiceError as error:
            self._fail(invocation, str(error))

    def _fail(self, invocation: AsyncInvocation, reason: str) -> None:
        try:
            self._invocations.fail(invocation, reason)
        except ServiceError as error:
            reason = f"{reason} That could not be stored: {error}"
            self._invocations.give_up(invocation)
        self._log(invocation, f"failed: {reason}")

    def _log(self, invocation: AsyncInvocation, words: str) -> None:
        self._endpoints.log(invocation.parent, LOG_STREAM, [f"{invocation.inference_id} {words}"])


def _count_room(endpoint: Endpoint) -> int:
    """Return how many invocations an endpoint answers at once."""
    assert endpoint.asynchronous is not None
    instances = sum(variant.instance_count for variant in endpoint.variants)
    return instances * (endpoint.asynchronous.max_per_instance or DEFAULT_PER_INSTANCE)
