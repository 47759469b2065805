"""Runs a program under measurement: a fixed number of cores, a time limit, and the memory of its process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1
LAST_WORDS_CHARACTERS = 1_500


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a program ended."""

    return_code: int
    wall_seconds: float
    """From its start to its end, imports and all."""
    peak_memory_bytes: int
    """The largest sum of resident memory over its processes; what they share is counted in each."""
    was_killed: bool
    """Whether it was ended for lasting too long."""
    last_words: str
    """The end of what it printed."""

    @property
    def failure(self) -> str:
        """Why there is no result; empty when it ended well."""
        if self.was_killed:
            return f"killed after {self.wall_seconds:.0f} s: {self.last_words}"
        return f"ended with {self.return_code}: {self.last_words}" if self.return_code else ""


def run_child(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    cores: Sequence[int],
    limit_seconds: float,
) -> Outcome:
    """Run a program in a folder, on those cores alone, until it ends or the limit is reached."""
    log = folder / "output.log"
    began_at = time.monotonic()
    peak, was_killed = 0, False
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(os.sched_setaffinity, 0, set(cores)),
        )
        try:
            while not _has_ended(process):
                peak = max(peak, measure_tree(process.pid))
                if time.monotonic() - began_at > limit_seconds:
                    was_killed = True
                    break
        finally:
            kill_tree(process.pid)
            process.wait()
    return Outcome(
        return_code=process.returncode,
        wall_seconds=time.monotonic() - began_at,
        peak_memory_bytes=peak,
        was_killed=was_killed,
        last_words=log.read_text(encoding="utf-8", errors="replace").strip()[-LAST_WORDS_CHARACTERS:],
    )


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait for a sample's time."""
    try:
        process.wait(SAMPLE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def measure_tree(root: int) -> int:
    """Return the sum of the resident memory of a process and all that it started, in bytes."""
    total = 0
    for process in _find_tree(root):
        try:
            total += int(process.memory_info().rss)
        except psutil.Error:
            continue  # it ended meanwhile
    return total


def kill_tree(root: int) -> None:
    """Kill a process that leads a session of its own, and all that it started."""
    tree = _find_tree(root)
    with suppress(ProcessLookupError):
        os.killpg(root, signal.SIGKILL)
    for process in tree:
        try:
            process.kill()
        except psutil.Error:
            continue  # gone with the session


def _find_tree(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
