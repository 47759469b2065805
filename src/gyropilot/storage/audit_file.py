"""The audit log: JSON lines in files that are changed over when they are full."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gyropilot.service.audit import AuditEntry
from gyropilot.storage.locks import hold_lock

MAX_BYTES = 16 << 20
FILES = 20
"""How many full files are kept besides the one that is written."""


class AuditFile:
    """An `AuditLog` in `audit.jsonl` of a folder; several processes may write at once.

    Lines are left to the operating system: they outlive the process, the last seconds may not outlive a power cut.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES, files: int = FILES) -> None:
        self._path = folder / "audit.jsonl"
        self._max_bytes = max_bytes
        self._files = files
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def write(self, entry: AuditEntry) -> None:
        """Add one line."""
        line = msgspec.json.encode(entry) + b"\n"
        with self._lock:
            os.write(self._open_for(len(line)), line)

    def close(self) -> None:
        """Close the file; writing opens it again."""
        with self._lock:
            self._let_go()

    def _open_for(self, length: int) -> int:
        """Return the file to write to: another process may have changed it over meanwhile."""
        if self._descriptor is not None and self._has_room(self._descriptor, length):
            return self._descriptor
        self._let_go()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold_lock(self._path.with_suffix(".lock")):
            if self._path.exists() and self._path.stat().st_size + length > self._max_bytes:
                self._change_over()
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return self._descriptor

    def _has_room(self, descriptor: int, length: int) -> bool:
        held = os.fstat(descriptor)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return held.st_ino == named.st_ino and held.st_size + length <= self._max_bytes

    def _change_over(self) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._path.rename(self._path.with_name(f"audit-{stamp}.jsonl"))
        full = sorted(self._path.parent.glob("audit-*.jsonl"))
        for old in full[: -self._files]:
            old.unlink()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
