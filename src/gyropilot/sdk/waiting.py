"""Waiting for what the server does, and what its end means."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from gyropilot.sdk.errors import CapacityError, UnexpectedStatusException

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.1
COMPLETED, STOPPED = "Completed", "Stopped"

logger = logging.getLogger(__name__)


def look_until(look: Callable[[], T], is_over: Callable[[T], bool], longest_pause_seconds: float) -> T:
    """Look again and again, at growing intervals, and return what was seen when it was over."""
    for pause in _grow(longest_pause_seconds):
        seen = look()
        if is_over(seen):
            return seen
        time.sleep(pause)
    raise AssertionError("pauses never end")


def _grow(longest: float) -> Iterator[float]:
    pause = min(FIRST_PAUSE_SECONDS, longest)
    while True:
        yield pause
        pause = min(2 * pause, longest)


def check_end(
    kind: str, name: str, status: str, reason: str, *, allowed: Collection[str] = (COMPLETED, STOPPED)
) -> None:
    """Say how a job ended: nothing of one that completed, a warning for a stopped one.

    Args:
        kind: what it was, as in "Error for AutoML job x".
        name: its name.
        status: how it ended.
        reason: why, in the server's words; may be empty.
        allowed: the ends that are no error.

    Raises:
        UnexpectedStatusException: for any other end; `CapacityError` when there was no machine.
    """
    if status == STOPPED and STOPPED in allowed:
        logger.warning(
            "Job ended with status 'Stopped' rather than 'Completed'. This could mean the job timed out or stopped "
            "early for some other reason: Consider checking whether it completed as you expect."
        )
    if status in allowed:
        return
    message = f"Error for {kind} {name}: {status}. Reason: {reason or '(No reason provided)'}"
    raising = CapacityError if "CapacityError" in reason else UnexpectedStatusException
    raise raising(message, allowed_statuses=sorted(allowed), actual_status=status)
