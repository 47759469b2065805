"""Log lines in memory: for tests and for what need not outlive the process."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gyropilot.service.errors import LogStreamNotFoundError
from gyropilot.service.ports import LogLine, LogSpan


class MemoryLogStore:
    """A `LogStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, list[LogLine]]] = {}
        self._lock = threading.Lock()

    def append(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Add lines at the end."""
        if lines:
            with self._lock:
                self._groups.setdefault(group, {}).setdefault(stream, []).extend(lines)

    def read(self, group: str, stream: str, *, start: int = 0, limit: int = 10_000) -> Sequence[LogLine]:
        """Return lines from number `start` on."""
        with self._lock:
            lines = self._groups.get(group, {}).get(stream)
            if lines is None:
                raise LogStreamNotFoundError(stream)
            return lines[start : start + limit]

    def span(self, group: str, stream: str) -> LogSpan | None:
        """Return the times of a stream's first and last line."""
        with self._lock:
            lines = self._groups.get(group, {}).get(stream)
            if not lines:
                raise LogStreamNotFoundError(stream)
            return LogSpan(first_at=lines[0].at, last_at=lines[-1].at)

    def groups(self, *, prefix: str = "") -> Sequence[str]:
        """Return the names of the groups that begin with the prefix, in order."""
        with self._lock:
            return sorted(name for name in self._groups if name.startswith(prefix))

    def streams(self, group: str, *, prefix: str = "") -> Sequence[str]:
        """Return the group's stream names that begin with the prefix, in order."""
        with self._lock:
            if group not in self._groups:
                raise LogStreamNotFoundError(group)
            return sorted(name for name in self._groups[group] if name.startswith(prefix))
