"""What a running server leaves in the state folder: a lock that only one can hold, and a note where it listens."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson


class AlreadyRunningError(Exception):
    """Another server has the state folder; the message says which."""


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Hold the state folder against other servers; the kernel lets go when the process ends, however it ends.

    Raises:
        AlreadyRunningError: when another server holds it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = read_announcement(home)
            where = f" at {other['endpoint_url']}, process {other['pid']}" if other else ""
            raise AlreadyRunningError(f"another Gyropilot server already uses {home}{where}") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def announce(home: Path, endpoint_url: str, version: str, started_at: str) -> Iterator[None]:
    """Leave the note while the server listens, and take it away afterwards if it is still this server's."""
    note = {"endpoint_url": endpoint_url, "pid": os.getpid(), "version": version, "started_at": started_at}
    path = home / "server.json"
    temporary = home / f".server.json.{uuid.uuid4().hex}"
    temporary.write_bytes(orjson.dumps(note))
    temporary.replace(path)
    try:
        yield
    finally:
        if read_announcement(home) == note:
            path.unlink(missing_ok=True)


def read_announcement(home: Path) -> dict[str, Any] | None:
    """Return the note in a state folder, or None when there is none to be read."""
    try:
        note = orjson.loads((home / "server.json").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return note if isinstance(note, dict) and {"endpoint_url", "pid"} <= note.keys() else None
