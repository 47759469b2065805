"""One running child program in a process group of its own, with its output in a file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gyropilot.execution.lifeline import Lifeline

_OUTPUT_CHARACTERS = 4_000
_UTF8_BYTES_MAX = 4
_PIECE_BYTES = 1 << 20


class Program:
    """A child program from its start to its reaping; a thread waits for its end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._gone = threading.Event()
        self._signalling = threading.Lock()
        with log.open("ab") as output, Lifeline() as lifeline:
            self._process = subprocess.Popen(  # noqa: S603  # the command is the launcher's own
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[lifeline.inherited],
                start_new_session=True,
            )
            lifeline.tie(self._process.pid)
        self._lifeline = lifeline
        threading.Thread(target=self._await_end, name=f"reaper of {self._process.pid}", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return not self._gone.is_set()

    def read_output(self) -> str:
        """Return the last characters of its output, standard error included."""
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(0, end - _OUTPUT_CHARACTERS * _UTF8_BYTES_MAX))
            return log.read().decode(errors="replace")[-_OUTPUT_CHARACTERS:]
        return ""

    def read_output_from(self, start: int) -> tuple[bytes, int]:
        """Return its output from byte `start` on, a piece at most, and the byte to go on from."""
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as log:
            log.seek(start)
            piece = log.read(_PIECE_BYTES)
            return piece, start + len(piece)
        return b"", start

    def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and make it and its helpers end when the grace is over."""
        # The program alone is asked: how its helpers end is its affair, for it may still need them to end well.
        self._send(os.kill, signal.SIGTERM)
        if not self._gone.wait(grace_seconds):
            self._send(os.killpg, signal.SIGKILL)
            self._gone.wait()

    def _send(self, kill: Callable[[int, int], None], number: signal.Signals) -> None:
        with self._signalling:
            # Once reaped, the number may be another program's: the lock keeps the reaper waiting meanwhile.
            if self.is_alive:
                with contextlib.suppress(ProcessLookupError):
                    kill(self._process.pid, number)

    def _await_end(self) -> None:
        # WNOWAIT leaves a zombie, whose number nobody else can get, so that the rest of its group can be killed safely.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._send(os.killpg, signal.SIGKILL)
        with self._signalling:
            self._process.wait()
            self._gone.set()
        self._lifeline.close()
