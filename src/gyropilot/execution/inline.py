"""Runs workers and model servers as threads of this process: for tests, and for looking at one in a debugger."""

from __future__ import annotations

import threading
import traceback
import uuid
from collections.abc import Callable

from gyropilot.service.ports import ModelServerSpec

_OUTPUT_CHARACTERS = 4_000


class InlineProgram:
    """What a program that runs as a thread has in place of signals, an output and an announcement."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set when the program is asked to end."""
        self._output = ""
        self._written = 0
        self._writing = threading.Lock()
        self._address: str | None = None
        self._thread = threading.Thread(daemon=True)

    def write(self, text: str) -> None:
        """Add to the program's output."""
        with self._writing:
            self._output = (self._output + text)[-_OUTPUT_CHARACTERS:]
            self._written += len(text.encode())

    def announce(self, address: str) -> None:
        """Tell where the model server listens."""
        self._address = address

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def address(self) -> str | None:
        """Where it listens, if it does."""
        return self._address if self.is_alive else None

    @property
    def output(self) -> str:
        """The last characters that it wrote; after a failure they end with the error."""
        return self._output

    def read_output_from(self, start: int) -> tuple[bytes, int]:
        """Return what it wrote from byte `start` on, as far as it is still there, and where that ends."""
        with self._writing:
            kept = self._output.encode()
            return kept[max(0, len(kept) - (self._written - start)) :] if self._written > start else b"", self._written

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` in a thread; an error it raises becomes output, as an interpreter would print it."""

        def run() -> None:
            try:
                work()
            except BaseException:  # a thread's end must not be lost, whatever ended it
                self.write(traceback.format_exc())

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end and wait until it did."""
        self.stopping.set()
        self._thread.join()


class InlineLauncher:
    """A `Launcher` of threads. It cannot end a program by force: `stop` waits for as long as the program takes."""

    def __init__(
        self,
        run_worker: Callable[[str, InlineProgram], None],
        serve: Callable[[ModelServerSpec, InlineProgram], None],
    ) -> None:
        self._run_worker = run_worker
        self._serve = serve
        self._programs: dict[str, InlineProgram] = {}

    def start_worker(self, job: str) -> str:
        """Run the worker's function in a thread."""
        return self._start(lambda program: self._run_worker(job, program))

    def start_model_server(self, spec: ModelServerSpec) -> str:
        """Run the model server's function in a thread."""
        return self._start(lambda program: self._serve(spec, program))

    def address(self, program: str) -> str | None:
        """Return what the model server announced."""
        found = self._programs.get(program)
        return None if found is None else found.address

    def is_alive(self, program: str) -> bool:
        """Tell whether the program's function still runs."""
        found = self._programs.get(program)
        return found is not None and found.is_alive

    def output(self, program: str) -> str:
        """Return the last characters that the program wrote."""
        found = self._programs.get(program)
        return "" if found is None else found.output

    def read_output(self, program: str, start: int) -> tuple[bytes, int]:
        """Return what the program wrote from byte `start` on, as far as it is still there."""
        found = self._programs.get(program)
        return (b"", start) if found is None else found.read_output_from(start)

    def stop(self, program: str, *, grace_seconds: float = 5.0) -> None:  # noqa: ARG002  # a thread cannot be killed
        """Ask the program to end and wait until it did."""
        found = self._programs.get(program)
        if found is not None:
            found.stop()

    def close(self) -> None:
        """Stop every program."""
        for program in list(self._programs.values()):
            program.stopping.set()
        for program in list(self._programs.values()):
            program.stop()

    def _start(self, work: Callable[[InlineProgram], None]) -> str:
        name = uuid.uuid4().hex
        program = InlineProgram()
        program.start(lambda: work(program))
        self._programs[name] = program
        return name
