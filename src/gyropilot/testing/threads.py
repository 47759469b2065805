"""Runs the same work in several threads that start at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def run_together(work: Callable[[int], T], threads: int) -> list[T]:
    """Call `work` with 0 to `threads` - 1, each in a thread of its own, and return the results in that order.

    Raises:
        Exception: whatever the first failing call raised.
    """
    start = Barrier(threads)

    def begin(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))
