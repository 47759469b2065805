"""Makes and removes the folders between a root and a file; others may do the same at the same time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from gyropilot.storage.atomic import flush_folder


def make_folders(folder: Path, root: Path) -> None:
    """Make the folders that are missing below `root` down to `folder`, durably.

    Raises:
        FileNotFoundError: when `root` is gone, or another process removed an empty folder in between.
    """
    if folder.is_dir():
        return
    for step in reversed(list(_climb(folder, root))):
        with contextlib.suppress(FileExistsError):
            step.mkdir()
            flush_folder(step.parent)


def prune_upwards(folder: Path, root: Path) -> None:
    """Remove `folder` and the folders above it, up to but without `root`, as far as they are empty."""
    for step in _climb(folder, root):
        try:
            step.rmdir()
        except OSError:  # not empty, or gone already
            return


def prune_empty_folders(root: Path) -> None:
    """Remove all empty folders below `root`, but not `root`: a crash may leave some."""
    found = [str(root)]
    for folder in found:  # grows meanwhile; no recursion, for folders lie up to 1,024 deep
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            found += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for folder in reversed(found[1:]):
        with contextlib.suppress(OSError):  # not empty
            Path(folder).rmdir()


def _climb(folder: Path, root: Path) -> Iterator[Path]:
    while folder != root:
        yield folder
        folder = folder.parent
