"""Lets a job's table be explored while its models are trained."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from gyropilot.engine.events import DataRead, Event
from gyropilot.service.job_keeper import LeaseLostError
from gyropilot.service.jobs import JobService
from gyropilot.worker.reports.explore_table import FIGURES, MEMORY_BYTES, NOTEBOOK, PAGE, PROCESSOR_SECONDS, SECONDS
from gyropilot.worker.reports.shelf import ReportShelf

log = logging.getLogger(__name__)

PROGRAM = "gyropilot.worker.reports.explore_table"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
WORDS = 300
"""So much is told of why it failed."""


class Exploring:
    """Starts the exploration when a run has read its data, and stores what it wrote. Nothing it does fails the job.

    A context: when it is left, nothing of it goes on.
    """

    def __init__(
        self, *, jobs: JobService, owner: str, shelf: ReportShelf, sample: Path, out: Path, is_wanted: bool = True
    ) -> None:
        self._jobs = jobs
        self._owner = owner
        self._shelf = shelf
        self._sample = sample
        self._out = out
        self._is_wanted = is_wanted and not shelf.job.data_exploration_url
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._was_cut = False
        self.failure = ""
        """Why there is no report; empty: there is one, or none was begun."""

    def __enter__(self) -> Exploring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(0)

    def take(self, event: Event) -> None:
        """Look at one event of the run, and begin when the data was read."""
        if isinstance(event, DataRead) and self._is_wanted and self._thread is None:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", PROGRAM, str(self._sample), str(self._out), "--job", self._shelf.job.name],
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            self._thread = threading.Thread(target=self._follow, args=(self._process,), name="exploring", daemon=True)
            self._thread.start()

    def finish(self, seconds: float) -> None:
        """Wait for the report, and give it up when it is not there in time."""
        if self._thread is None or self._process is None:
            return
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            self._was_cut = True
            self._process.kill()
            self._thread.join()

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        began = time.monotonic()
        _, words = process.communicate()
        try:
            if process.returncode == 0:
                self._store(time.monotonic() - began)
            else:
                self._fail(_explain(process.returncode, words.decode(errors="replace"), was_cut=self._was_cut))
        except LeaseLostError:
            return  # whoever has the job now explores it
        except Exception as error:
            log.exception("the data exploration of %s could not be stored", self._shelf.job.name)
            self._fail(f"{type(error).__name__}: {error}")

    def _store(self, seconds: float) -> None:
        for name in (PAGE, FIGURES):
            self._shelf.put(self._shelf.documentation.child(name), (self._out / name).read_bytes())
        url = self._shelf.put(self._shelf.notebooks.child(NOTEBOOK), (self._out / NOTEBOOK).read_bytes())
        self._jobs.report(self._shelf.job.name, self._owner, data_exploration_url=url)
        self._jobs.log(self._shelf.job.name, [f"The data exploration is in {url}; it took {seconds:.1f} s."])

    def _fail(self, reason: str) -> None:
        self.failure = f"The data exploration report could not be made: {reason}"


def _explain(code: int, words: str, *, was_cut: bool) -> str:
    """Return why a program ended without a report."""
    if was_cut:
        return "the job ended first."
    lines = words.strip().splitlines()
    if "MemoryError" in words or "malloc of size" in words:
        return f"it needs more than {MEMORY_BYTES >> 30} GiB of memory."
    if code == -signal.SIGXCPU:
        return f"it took more than {PROCESSOR_SECONDS} s of processor time."
    if code == -signal.SIGALRM:
        return f"it took more than {SECONDS} s."
    return lines[-1][-WORDS:] if lines else f"its program ended with code {code}."
