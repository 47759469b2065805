"""Writes files that appear whole or not at all, and stay when the power fails."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` at `path`, over what was there; it is durable on return."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            flush_to_disk(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_to_disk(descriptor: int) -> None:
    """Wait until an open file's content is on the disk."""
    os.fsync(descriptor)


def flush_folder(folder: Path | str) -> None:
    """Wait until a folder's entries are on the disk: a renamed file is durable only then."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
