"""Whose job is begun next: fair between users, then in the order in which jobs were created."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar


class Queued(Protocol):
    """What stands in the queue."""

    @property
    def created_by(self) -> str:
        """The user who asked for it."""
        ...


Q = TypeVar("Q", bound=Queued)


def take_turns(waiting: Sequence[Q], running: Sequence[Queued]) -> Iterator[Q]:
    """Yield all that waits in the order in which it is to be begun, as if each were running once it was yielded.

    Next is the oldest of the user who has the fewest running; between users with equally many the oldest decides.

    Args:
        waiting: what has not begun, oldest first.
        running: what runs now.
    """
    lines: dict[str, deque[int]] = {}
    for place, item in enumerate(waiting):
        lines.setdefault(item.created_by, deque()).append(place)
    counts = Counter(item.created_by for item in running)
    turns = [(counts[user], line.popleft(), user) for user, line in lines.items()]
    heapify(turns)
    while turns:
        count, place, user = heappop(turns)
        yield waiting[place]
        if lines[user]:
            heappush(turns, (count + 1, lines[user].popleft(), user))
