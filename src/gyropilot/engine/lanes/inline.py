"""One lane within this process: nothing has to start, and nothing can be killed."""

from __future__ import annotations

from collections import deque

from gyropilot.engine.lanes.messages import Answer, Order
from gyropilot.engine.lanes.process import Lane


class InlineLane:
    """Carries out its orders, in turn, while the caller waits for an answer."""

    def __init__(self) -> None:
        self._lane = Lane()
        self._orders: deque[Order] = deque()

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return 1

    def send(self, lane: int, message: Order) -> None:  # noqa: ARG002  # there is one lane
        """Note what is to be done; `receive` does it."""
        self._orders.append(message)

    def receive(self, timeout_seconds: float) -> tuple[int, Answer] | None:  # noqa: ARG002  # see below
        """Carry out orders until one is answered, however long it takes; None when there are none."""
        while self._orders:
            answer = self._lane.obey(self._orders.popleft())
            if answer is not None:
                return 0, answer
        return None

    def is_ready_for(self, lane: int, algorithm: str) -> bool:  # noqa: ARG002  # a library is imported where it is used
        """Return True."""
        return True

    def restart(self, lane: int) -> None:  # noqa: ARG002  # there is one lane
        """Forget what is being trained."""
        self.close()

    def memory_bytes(self, limit: int) -> int:  # noqa: ARG002  # see below
        """Return 0: what this process holds would not be given back by giving up a fit."""
        return 0

    def close(self) -> None:
        """Forget everything."""
        self._orders.clear()
        self._lane = Lane()
