"""Runs a program under measurement: a fixed number of cores, a time limit, and the memory of its process tree."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.5
LAST_WORDS_CHARACTERS = 1_500
MARK = "GYROPILOT_BENCHMARK_RUN"
"""A variable of the environment by which what a program started is known even after it lost its parent."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a program ended."""

    return_code: int
    wall_seconds: float
    """From its start to its end, imports and all."""
    peak_memory_bytes: int
    """The largest memory of its processes together; what they share is counted once."""
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
    mark = uuid.uuid4().hex
    began_at = time.monotonic()
    peak, was_killed = 0, False
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, MARK: mark},
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
            kill_marked(process.pid, mark)
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
    """Return the memory that a process and all that it started take, in bytes: each has its part of what it shares."""
    total = 0
    for process in _find_tree(root):
        try:
            total += int(process.memory_full_info().pss)
        except psutil.Error:
            continue  # it ended meanwhile
    return total


def kill_marked(root: int, mark: str) -> None:
    """Kill a program and all that it started, daemons that left its session among them."""
    tree = _find_tree(root)
    for process in [*tree, *_find_marked(mark)]:
        with suppress(psutil.Error):  # it ended meanwhile
            process.kill()


def _find_marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it ended meanwhile, or is another user's
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _find_tree(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
