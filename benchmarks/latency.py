"""Times one call, many times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long a call takes, in milliseconds."""

    calls: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float

    def as_document(self) -> dict[str, float]:
        """Return the figures for JSON."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def measure_latency(call: Callable[[int], object], *, calls: int, warm_up: int) -> Latency:
    """Time `call(number)`, one after the other from one thread, after some that are not counted."""
    for number in range(warm_up):
        call(number)
    seconds = []
    for number in range(calls):
        began_at = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - began_at)
    seconds.sort()

    def quantile(share: float) -> float:
        return 1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))]

    return Latency(
        calls=calls, p50_ms=quantile(0.5), p90_ms=quantile(0.9), p99_ms=quantile(0.99), max_ms=1000 * seconds[-1]
    )
