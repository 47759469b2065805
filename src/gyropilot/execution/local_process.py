"""Runs workers and model servers as child processes on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gyropilot.execution.program import Program
from gyropilot.service.ports import PROGRAM_VARIABLE, ModelServerSpec
from gyropilot.settings import Settings

_KEEP_FOLDERS_SECONDS = 7 * 24 * 3600.0
"""How long the output of programs of earlier servers stays for whoever looks for the cause of a failure."""


@dataclass(frozen=True, kw_only=True)
class ProgramModules:
    """The Python modules that are run."""

    worker: str = "gyropilot.worker"
    """Called with the job's reference."""
    model_server: str = "gyropilot.serving"
    """Called with `--model ARCHIVE --port 0 --announce FILE`; writes its address into the file once it listens."""


@dataclass(frozen=True)
class _Started:
    program: Program
    announcement: Path


class LocalProcessLauncher:
    """A `Launcher` of child processes. They end with this process, even when it is killed: see `lifeline.py`."""

    def __init__(self, settings: Settings, python: str = sys.executable, modules: ProgramModules | None = None) -> None:
        self._settings = settings
        self._python = python
        self._modules = modules or ProgramModules()
        self._run = settings.home / "run"
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._started: dict[str, _Started] = {}
        self._starting = threading.Lock()
        self._is_closed = False
        _remove_old_folders(self._run)

    def start_worker(self, job: str) -> str:
        """Start a worker that claims and runs this job."""
        return self._start(uuid.uuid4().hex, (self._modules.worker, job), {})

    def start_model_server(self, spec: ModelServerSpec) -> str:
        """Start a model server on a free port."""
        program = uuid.uuid4().hex
        announcement = self._announcement_of(program)
        models = [argument for archive in spec.archives for argument in ("--model", str(archive))]
        arguments = (*models, "--port", "0", "--announce", str(announcement))
        return self._start(program, (self._modules.model_server, *arguments), spec.environment)

    def address(self, program: str) -> str | None:
        """Return the address of a model server that listens."""
        started = self._started.get(program)
        if started is None or not started.program.is_alive:
            return None
        with contextlib.suppress(FileNotFoundError):
            return started.announcement.read_text().strip() or None
        return None

    def is_alive(self, program: str) -> bool:
        """Tell whether the program runs."""
        started = self._started.get(program)
        return started is not None and started.program.is_alive

    def output(self, program: str) -> str:
        """Return the last lines that the program wrote."""
        started = self._started.get(program)
        return "" if started is None else started.program.read_output()

    def read_output(self, program: str, start: int) -> tuple[bytes, int]:
        """Return what the program wrote from byte `start` on."""
        started = self._started.get(program)
        return (b"", start) if started is None else started.program.read_output_from(start)

    def stop(self, program: str, *, grace_seconds: float = 5.0) -> None:
        """Ask the program to end, then end it."""
        started = self._started.get(program)
        if started is not None:
            started.program.stop(grace_seconds)

    def close(self) -> None:
        """Stop every program, all at the same time."""
        with self._starting:
            self._is_closed = True
            running = [program for program in self._started if self.is_alive(program)]
        stoppers = [threading.Thread(target=self.stop, args=(program,)) for program in running]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()

    def _start(self, program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        announcement = self._announcement_of(program)
        # Unbuffered: what a program wrote before it was killed must not be lost.
        variables = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            PROGRAM_VARIABLE: program,
            **self._settings.environment(),
            **environment,
        }
        with self._starting:
            if self._is_closed:
                raise RuntimeError("the launcher is closed")
            announcement.parent.mkdir()
            log = announcement.with_name("output.log")
            running = Program((self._python, "-m", *arguments), variables, log)
            self._started[program] = _Started(running, announcement)
        return program

    def _announcement_of(self, program: str) -> Path:
        return self._run / program / "address"


def _remove_old_folders(run: Path) -> None:
    oldest = time.time() - _KEEP_FOLDERS_SECONDS
    for folder in run.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
