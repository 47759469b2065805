"""Lanes as processes of this machine."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.contracts import LaneDied
from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes.forking import CAN_FORK, LAST_WORDS, ONE_THREAD, ForkedLane
from gyropilot.engine.lanes.memory import measure_processes
from gyropilot.engine.lanes.messages import Answer, Order, read_answer, write_message


class LaneProcess(Protocol):
    """What `ForkedLane` and `ProgramLane` have in common, in the manner of `subprocess.Popen`."""

    @property
    def is_born(self) -> bool:
        """Whether the process is there already."""
        ...

    @property
    def pid(self) -> int:
        """Its process number."""
        ...

    @property
    def stdin(self) -> IO[bytes] | None:
        """Where orders go."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """Where answers come from."""
        ...

    def kill(self) -> None:
        """Kill it."""
        ...

    def wait(self) -> int:
        """Return the code that it ended with, or below 0 the signal."""
        ...


class ProgramLane(subprocess.Popen[bytes]):
    """A lane that is started as a program and imports everything itself."""

    is_born = True

    def __init__(self, modules: Sequence[str], log: BinaryIO) -> None:
        super().__init__(
            [sys.executable, "-m", "gyropilot.engine.lanes.process", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | ONE_THREAD,
        )


class LocalLanes:
    """Starts lanes as processes of this machine. They end with this process: their stream of orders closes.

    Args:
        count: how many.
        folder: where each has a log.
        modules: what they import before they are ready; the libraries of other fits are imported when one is begun.
            With few they are there soon: `expect` names more for those that are started anew.
    """

    def __init__(self, count: int, folder: Path, modules: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._modules = list(modules)
        self._answers: queue.Queue[tuple[int, int, Answer | LaneDied]] = queue.Queue()
        self._generation = [0] * count
        self._imported: dict[int, frozenset[str]] = {}
        self._readers: list[tuple[threading.Thread, LaneProcess]] = []
        self._processes = [self._start(lane) for lane in range(count)]

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return len(self._processes)

    @property
    def pids(self) -> list[int]:
        """Their process numbers."""
        return [process.pid for process in self._processes]

    def expect(self, modules: Sequence[str]) -> None:
        """Have lanes that are started from now on import these modules before they are ready."""
        self._modules = list(modules)

    def is_ready_for(self, lane: int, algorithm: str) -> bool:
        """Tell whether a lane has imported what an algorithm needs, of what it would import if it was started anew."""
        missing = set(ALGORITHMS[algorithm].abilities.modules) - self._imported[lane]
        return missing.isdisjoint(self._modules)

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

    def memory_bytes(self, limit: int) -> int:
        """Return what the lanes hold together, as exactly as tells whether it is above a limit."""
        return measure_processes([process.pid for process in self._processes if process.is_born], limit)

    def restart(self, lane: int) -> None:
        """Kill a lane and start it anew. Nobody waits for its end: a nursery that imports tells of it late."""
        self._generation[lane] += 1
        _kill(self._processes[lane])
        self._processes[lane] = self._start(lane)

    def close(self) -> None:
        """Kill all lanes."""
        for lane, process in enumerate(self._processes):
            self._generation[lane] += 1
            _kill(process)
        for reader, process in self._readers:
            if process.is_born:
                reader.join()

    def _start(self, lane: int) -> LaneProcess:
        with self._log(lane).open("ab") as log:
            silent = log.tell()
            process: LaneProcess = (ForkedLane if CAN_FORK else ProgramLane)(self._modules, log)
        reader = threading.Thread(
            target=self._listen, args=(lane, self._generation[lane], process, silent), name=f"lane-{lane}", daemon=True
        )
        self._readers.append((reader, process))
        self._imported[lane] = frozenset(self._modules)
        reader.start()
        return process

    def _listen(self, lane: int, generation: int, process: LaneProcess, silent: int) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            while (answer := read_answer(stream)) is not None:  # type: ignore[arg-type]  # a pipe, opened for bytes
                self._answers.put((lane, generation, answer))
        try:
            end = _describe_end(process.wait())
        except LaneError as error:
            end = str(error)
        if generation != self._generation[lane]:
            return  # it was ended on purpose, and its log may be gone
        self._answers.put((lane, generation, LaneDied(words=f"{end} {self._last_words(lane, silent)}".strip())))

    def _last_words(self, lane: int, silent: int) -> str:
        try:
            return self._log(lane).read_bytes()[silent:][-LAST_WORDS:].decode(errors="replace").strip()
        except OSError as error:  # somebody removed it; that the lane died is told all the same
            return f"Its log cannot be read: {error}"

    def _log(self, lane: int) -> Path:
        return self._folder / f"lane-{lane}.log"


def _describe_end(code: int) -> str:
    if code == -signal.SIGKILL:
        return "It was killed (SIGKILL), as the system does when memory runs out."
    if code < 0:
        return f"It was ended by signal {-code} ({signal.strsignal(-code)})."
    return f"It ended with code {code}."


def _kill(process: LaneProcess) -> None:
    """Kill a lane, as soon as it is there; whoever listens to it waits for its end."""
    process.kill()
    if process.stdin is not None:
        with suppress(OSError):  # what was still to be written has no reader any more
            process.stdin.close()
