"""Locks between processes, held by the kernel for an open file: they end with their holder, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lock(path: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Hold the lock that the file stands for; wait for whoever has it. The file itself stays empty and is left.

    A shared lock is held together with other shared ones, but not with one that is not shared.

    Raises:
        FileNotFoundError: when the folder of the file is not there.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
