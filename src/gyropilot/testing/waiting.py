"""Waits for what can only be asked for, not be waited on."""

from __future__ import annotations

import time
from collections.abc import Callable

_ASK_EVERY_SECONDS = 0.005


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float = 30.0) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: when it does not hold in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {timeout_seconds:g} s")
        time.sleep(_ASK_EVERY_SECONDS)
