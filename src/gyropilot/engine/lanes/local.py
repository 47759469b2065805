"""Lanes as processes of this machine."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gyropilot.engine.contracts import LaneDied
from gyropilot.engine.lanes.messages import Answer, Order, read_answer, write_message

LAST_WORDS = 1000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Lanes run side by side, one for each core: more threads than that make all of them many times slower."""


class LocalLanes:
    """Starts lanes as child processes. They end with this process: their stream of orders closes."""

    def __init__(self, count: int, folder: Path, modules: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._modules = list(modules)
        self._answers: queue.Queue[tuple[int, int, Answer | LaneDied]] = queue.Queue()
        self._generation = [0] * count
        self._readers: list[threading.Thread] = []
        self._processes = [self._start(lane) for lane in range(count)]

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return len(self._processes)

    @property
    def pids(self) -> list[int]:
        """Their process numbers."""
        return [process.pid for process in self._processes]

    def send(self, lane: int, message: Order) -> None:
        """Give a lane something to do; one that is gone reports its death through `receive`."""
        stream = self._processes[lane].stdin
        assert stream is not None
        try:
            write_message(stream, message)  # type: ignore[arg-type]  # a pipe, opened for bytes
        except OSError:
            return

    def receive(self, timeout_seconds: float) -> tuple[int, Answer | LaneDied] | None:
        """Return the next answer of any lane, its death, or None when there was none in time."""
        try:
            while True:
                lane, generation, answer = self._answers.get(timeout=max(timeout_seconds, 0))
                if generation == self._generation[lane]:
                    return lane, answer
        except queue.Empty:
            return None

    def restart(self, lane: int) -> None:
        """Kill a lane and start it anew."""
        self._generation[lane] += 1
        _end(self._processes[lane])
        self._processes[lane] = self._start(lane)

    def close(self) -> None:
        """Kill all lanes."""
        for lane, process in enumerate(self._processes):
            self._generation[lane] += 1
            _end(process)
        for reader in self._readers:
            reader.join()

    def _start(self, lane: int) -> subprocess.Popen[bytes]:
        with self._log(lane).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-m", "gyropilot.engine.lanes.process", *self._modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | ONE_THREAD,
            )
        reader = threading.Thread(
            target=self._listen, args=(lane, self._generation[lane], process), name=f"lane-{lane}", daemon=True
        )
        self._readers.append(reader)
        reader.start()
        return process

    def _listen(self, lane: int, generation: int, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            while (answer := read_answer(stream)) is not None:  # type: ignore[arg-type]  # a pipe, as above
                self._answers.put((lane, generation, answer))
        code = process.wait()
        words = self._log(lane).read_bytes()[-LAST_WORDS:].decode(errors="replace").strip()
        self._answers.put((lane, generation, LaneDied(words=f"the lane ended with code {code}. {words}".strip())))

    def _log(self, lane: int) -> Path:
        return self._folder / f"lane-{lane}.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):  # what was still to be written has no reader any more
            process.stdin.close()
