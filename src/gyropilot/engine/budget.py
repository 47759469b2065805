"""How much may be spent."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field


def count_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The limits of a run."""

    max_runtime_seconds: float | None = None
    """Wall-clock limit of the whole run; None: until the portfolio is through."""
    max_candidates: int | None = None
    """How many candidates may be made, the ensemble included; None: as many as the time allows."""
    max_runtime_per_candidate_seconds: float | None = None
    """Wall-clock limit of one candidate; None: none of its own."""
    cores: int = field(default_factory=count_cores)
    """How many lanes train at once."""
    memory_bytes: int | None = None
    """What the lanes may hold together; None: 80 % of what is left to this process when the run begins. The candidate
    that takes more is given up."""
    in_process: bool = False
    """Whether to train within this process, one fit at a time, instead of in lanes of their own: a few seconds less to
    begin with, for small tables. A fit that hangs is not killed then, and a library that crashes ends the program."""

    def __post_init__(self) -> None:
        for name in (
            "max_runtime_seconds",
            "max_candidates",
            "max_runtime_per_candidate_seconds",
            "cores",
            "memory_bytes",
        ):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0, not {value}")

    @property
    def lanes(self) -> int:
        """How many models are trained at once."""
        return 1 if self.in_process else self.cores


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A moment on the monotonic clock by which everything is done."""

    at: float = float("inf")
    """The moment, in seconds of `time.monotonic`."""

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Return the moment so many seconds from now; None: never."""
        return cls() if seconds is None else cls(at=time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """Seconds until the moment; negative once it is past."""
        return self.at - time.monotonic()
