"""Has lanes forked by the nursery of this process, which is started when it is first needed and used by all runs."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import BinaryIO

from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes.messages import (
    Born,
    Buried,
    Bury,
    Fork,
    Import,
    Wish,
    pack_message,
    unpack_news,
)

CAN_FORK = sys.platform == "linux"
"""Elsewhere a lane is a program of its own: libraries of macOS must not be used after a fork, and Windows has none."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Lanes run side by side, one for each core: more threads than that make all of them many times slower."""
NO_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Arrow, which the libraries import through pandas, begins one otherwise; what has threads cannot be forked safely."""
LARGEST_MESSAGE = 2**16
LAST_WORDS = 1000


class Nursery:
    """The nursery's other end."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the nursery
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-m", "gyropilot.engine.lanes.nursery", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD | NO_THREAD,
            )
        self._asking = threading.Lock()
        self._births: deque[Future[int]] = deque()
        self._burials: dict[int, Future[int]] = {}
        self._epitaph = ""
        self._listener = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked for something."""
        return not self._epitaph

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def prepare(self, modules: Sequence[str]) -> None:
        """Have modules imported while nothing else is to be done."""
        with self._asking:
            self._send(Import(list(modules)))

    def fork(self, modules: Sequence[str], streams: Sequence[int]) -> Future[int]:
        """Have a lane forked with these standard streams, and its process number told."""
        birth: Future[int] = Future()
        with self._asking:
            self._births.append(birth)
            self._send(Fork(list(modules)), streams)
            if self._epitaph:
                self._fail_all()
        return birth

    def bury(self, pid: int) -> Future[int]:
        """Have a lane that closed its output waited for, and the code it ended with told."""
        burial: Future[int] = Future()
        with self._asking:
            self._burials[pid] = burial
            self._send(Bury(pid))
            if self._epitaph:
                self._fail_all()
        return burial

    def close(self) -> None:
        """End it, and the lanes with it."""
        self._process.kill()
        self._listener.join()

    def _send(self, wish: Wish, streams: Sequence[int] = ()) -> None:
        with suppress(OSError):  # the nursery is gone, which the listener tells
            socket.send_fds(self._connection, [pack_message(wish)], list(streams))

    def _listen(self) -> None:
        content = b"?"
        while content:
            try:
                content = self._connection.recv(LARGEST_MESSAGE)
            except ConnectionError:
                content = b""
            if content:
                self._hear(content)
        self._process.wait()
        self._log.seek(0)
        words = self._log.read()[-LAST_WORDS:].decode(errors="replace").strip()
        with self._asking:
            self._epitaph = f"The process that starts the lanes ended with code {self._process.returncode}. {words}"
            self._fail_all()
            self._connection.close()
            self._log.close()

    def _hear(self, content: bytes) -> None:
        with self._asking:
            match unpack_news(content):
                case Born(pid):
                    future, number = self._births.popleft(), pid
                case Buried(pid, code):
                    future, number = self._burials.pop(pid), code
        future.set_result(number)

    def _fail_all(self) -> None:
        for future in (*self._births, *self._burials.values()):
            future.set_exception(LaneError(self._epitaph.strip()))
        self._births.clear()
        self._burials.clear()


class ForkedLane:
    """The process of one lane, which is there as soon as the nursery has imported what it needs."""

    def __init__(self, modules: Sequence[str], log: BinaryIO) -> None:
        orders, self_orders = os.pipe()
        self_answers, answers = os.pipe()
        self.stdin, self.stdout = os.fdopen(self_orders, "wb"), os.fdopen(self_answers, "rb")
        self._nursery = find_nursery()
        self._birth = self._nursery.fork(modules, [orders, answers, log.fileno()])
        os.close(orders)
        os.close(answers)
        self._ending = threading.Lock()
        self._burial: Future[int] | None = None

    @property
    def pid(self) -> int:
        """Its process number, once it is there.

        Raises:
            LaneError: when the nursery has ended.
        """
        return self._birth.result()

    @property
    def is_born(self) -> bool:
        """Whether the process is there already."""
        return self._birth.done()

    def kill(self) -> None:
        """Kill it, as soon as it is there."""
        self._birth.add_done_callback(self._kill)

    def wait(self) -> int:
        """Return the code that it ended with, or below 0 the signal; it has closed its output or was killed.

        Raises:
            LaneError: when the nursery has ended, and the lane with it.
        """
        pid = self._birth.result()
        with self._ending:
            if self._burial is None:
                self._burial = self._nursery.bury(pid)
        return self._burial.result()

    def _kill(self, birth: Future[int]) -> None:
        with self._ending:
            # Until it is buried its number is its own; without the nursery it has ended already.
            if birth.exception() is None and self._burial is None and self._nursery.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(birth.result(), signal.SIGKILL)


_finding = threading.Lock()
_nurseries: list[Nursery] = []


def find_nursery() -> Nursery:
    """Return the nursery of this process; a new one when there is none or it has ended."""
    with _finding:
        if not _nurseries:
            atexit.register(_close)
        if not _nurseries or not _nurseries[-1].is_alive or _nurseries[-1].owner != os.getpid():
            _nurseries[:] = [Nursery()]
        return _nurseries[-1]


def prepare_nursery(modules: Sequence[str]) -> None:
    """Begin to import what lanes will need, in this order, where lanes are forked."""
    if CAN_FORK:
        find_nursery().prepare(modules)


def _close() -> None:
    for nursery in _nurseries:
        if nursery.owner == os.getpid():
            nursery.close()
