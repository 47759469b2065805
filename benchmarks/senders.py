"""Sends requests that were written beforehand, from processes of their own, so that the sender is not what is measured.

Plain sockets that are kept open, one request at a time on each. `at_full_load` sends the next request as soon as an
answer is there; `at_rate` sends at moments that were drawn beforehand, and times each answer from its moment, whether
or not a connection was free then.
"""

from __future__ import annotations

import multiprocessing
import random
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

PROCESSES = 2
START_SECONDS = 1.5
"""From the order to the first request: every process is up by then."""
DRAIN_SECONDS = 10.0
"""How long the last answers may take."""
READ_BYTES = 1 << 16


@dataclass(kw_only=True)
class Load:
    """What came of a load."""

    seconds: float = 0.0
    """From the first request to the last answer."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answer."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How many answers had each HTTP status; 0: none came."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return the latency that this share of the answers stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def check(self) -> Load:
        """Return this load if every answer was a good one.

        Raises:
            RuntimeError: when one was not.
        """
        if set(self.statuses) != {200} or not self.latencies:
            raise RuntimeError(f"not every request was answered well: {dict(self.statuses)}")
        return self


def at_full_load(url: str, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send as fast as answers come."""
    return _spread(url, requests, connections, lambda number: Plan(seconds=seconds, seed=number))


def at_rate(url: str, requests: Sequence[bytes], *, connections: int, seconds: float, rate: float) -> Load:
    """Send so many requests per second, at the moments of a Poisson process."""
    return _spread(url, requests, connections, lambda number: Plan(seconds=seconds, seed=number, rate=rate / PROCESSES))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When one process sends."""

    seconds: float
    """For how long."""
    seed: int
    """Of the moments."""
    rate: float = 0.0
    """Requests per second; 0: as many as are answered."""

    def moments(self) -> Iterator[float]:
        """Yield when requests are due, in seconds from the start."""
        draw = random.Random(self.seed)
        at = 0.0
        while (at := at + draw.expovariate(self.rate)) < self.seconds:
            yield at


def _spread(url: str, requests: Sequence[bytes], connections: int, plan: Callable[[int], Plan]) -> Load:
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 80))
    begins_at = time.time() + START_SECONDS
    tasks = [
        (address, list(requests[number::PROCESSES]), connections // PROCESSES, plan(number), begins_at)
        for number in range(PROCESSES)
    ]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        loads = pool.starmap(send, tasks)
    return Load(
        seconds=max(load.seconds for load in loads),
        latencies=[latency for load in loads for latency in load.latencies],
        statuses=sum((load.statuses for load in loads), Counter()),
    )


def send(address: tuple[str, int], requests: Sequence[bytes], connections: int, plan: Plan, begins_at: float) -> Load:
    """Send what the plan says, over some connections, and return what came of it."""
    sender = _Sender(address, requests, connections)
    time.sleep(max(0.0, begins_at - time.time()))
    try:
        return sender.run(plan)
    finally:
        sender.close()


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due_at = 0.0
        self._received = bytearray()

    def fileno(self) -> int:
        return self.socket.fileno()

    def read_answer(self) -> int | None:
        """Return the status of an answer that is there whole; None: more is to come; 0: the server hung up."""
        piece = self.socket.recv(READ_BYTES)
        if not piece:
            return 0
        self._received += piece
        status = read_status(self._received)
        if status is not None:
            self._received.clear()
        return status


def read_status(received: bytes | bytearray) -> int | None:
    """Return the status of an HTTP answer of stated length; None: it is not there whole."""
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return None
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head[9:12]) if len(body) >= int(length[15:]) else None


class _Sender:
    def __init__(self, address: tuple[str, int], requests: Sequence[bytes], connections: int) -> None:
        self._free = deque(_Connection(address) for _ in range(connections))
        self._all = tuple(self._free)
        self._requests = cycle(requests)
        self._busy = 0
        self._selector = selectors.DefaultSelector()
        for connection in self._all:
            self._selector.register(connection, selectors.EVENT_READ)

    def run(self, plan: Plan) -> Load:
        load = Load()
        began_at = time.perf_counter()
        if plan.rate:
            self._send_at_moments(plan, began_at, load)
        else:
            self._send_until(began_at + plan.seconds, load)
        give_up_at = time.perf_counter() + DRAIN_SECONDS
        while self._busy and time.perf_counter() < give_up_at:
            self._receive(load, 1.0)
        load.seconds = time.perf_counter() - began_at
        if self._busy:
            load.statuses[0] += self._busy
        return load

    def _send_at_moments(self, plan: Plan, began_at: float, load: Load) -> None:
        for moment in plan.moments():
            due_at = began_at + moment
            while (wait := due_at - time.perf_counter()) > 0:
                self._receive(load, wait)
            while not self._free:
                self._receive(load, None)
            self._send(due_at)

    def _send_until(self, ends_at: float, load: Load) -> None:
        while (now := time.perf_counter()) < ends_at:
            if self._free:
                self._send(now)
            else:
                self._receive(load, None)

    def close(self) -> None:
        self._selector.close()
        for connection in self._all:
            connection.socket.close()

    def _send(self, due_at: float) -> None:
        connection = self._free.popleft()
        connection.due_at = due_at
        connection.socket.sendall(next(self._requests))
        self._busy += 1

    def _receive(self, load: Load, wait: float | None) -> None:
        for key, _ in self._selector.select(wait):
            connection: _Connection = key.fileobj  # type: ignore[assignment]  # what was registered
            status = connection.read_answer()
            if status is None:
                continue
            if status == 0:
                raise ConnectionError("the server closed a connection")
            load.latencies.append(time.perf_counter() - connection.due_at)
            load.statuses[status] += 1
            self._busy -= 1
            self._free.append(connection)
