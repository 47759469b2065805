"""Where the model servers answer, and how many requests each of them has now."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Book:
    """Where the model servers listen, and the bell that wakes the supervisor. Safe to use from several threads.

    Requests borrow an address and give it back, so that a server is stopped only when nobody waits for its answer.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._addresses: dict[tuple[str, str], tuple[str, ...]] = {}
        self._in_flight: Counter[str] = Counter()
        self._dice = random.Random(0)  # noqa: S311  # shares traffic, keeps no secret
        self.bell = threading.Event()

    def addresses(self, endpoint: str, variant: str) -> Sequence[str]:
        """Return the addresses of a variant's servers that answer."""
        return self._addresses.get((endpoint, variant), ())

    @contextmanager
    def borrow(self, endpoint: str, variant: str, *, seconds: float) -> Iterator[str | None]:
        """Give the address of the variant's server with the fewest requests for the time of a request.

        Args:
            endpoint: the endpoint.
            variant: one of its variants.
            seconds: how long to wait for a server that answers; None is given when there is none.
        """
        with self._changed:
            self._changed.wait_for(lambda: (endpoint, variant) in self._addresses, seconds)
            found = self._addresses.get((endpoint, variant), ())
            address = min(found, key=lambda each: (self._in_flight[each], self._dice.random()), default=None)
            if address is not None:
                self._in_flight[address] += 1
        try:
            yield address
        finally:
            if address is not None:
                with self._changed:
                    self._in_flight[address] -= 1
                    if not self._in_flight[address]:
                        del self._in_flight[address]

    def is_idle(self, address: str) -> bool:
        """Tell whether no request is under way to an address."""
        with self._changed:
            return not self._in_flight[address]

    def wake(self) -> None:
        """Say that there is something to do."""
        self.bell.set()

    def write(self, endpoint: str, variant: str, addresses: Sequence[str]) -> None:
        """Note where a variant's servers answer; none: strike it out."""
        with self._changed:
            if addresses:
                self._addresses[endpoint, variant] = tuple(addresses)
                self._changed.notify_all()
            else:
                self._addresses.pop((endpoint, variant), None)

    def strike(self, endpoint: str, variant: str, address: str) -> None:
        """Strike out an address where nobody listens any more, and wake the supervisor."""
        with self._changed:
            left = [each for each in self.addresses(endpoint, variant) if each != address]
        self.write(endpoint, variant, left)
        self.wake()
