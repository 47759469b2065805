"""Files and folders that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a path to write to, and move what was written to its place: in one step, and only if all went well."""
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    with writing(path) as partial:
        partial.write_bytes(content)
