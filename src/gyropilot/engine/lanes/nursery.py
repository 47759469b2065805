"""The program that imports the libraries once and forks the lanes: `python -m gyropilot.engine.lanes.nursery SOCKET`.

It has no threads and trains nothing, so that what it forks is in order. It ends when the program that started it does,
and its lanes end with it.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import numpy as np

from gyropilot.engine.lanes import process
from gyropilot.engine.lanes.imports import import_libraries
from gyropilot.engine.lanes.messages import Born, Buried, Bury, Fork, Import, News, pack_message, unpack_wish

LARGEST_MESSAGE = 2**16
STREAMS = 3
FIRST_MODULES = ("scipy.optimize",)
"""What nearly all training libraries import: begun before anything is asked for."""
PR_SET_PDEATHSIG = 1


class Nursery:
    """Does what it is asked for over a socket of packets, one thing after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting = deque(FIRST_MODULES)

    def run(self) -> None:
        """Serve until the other end closes."""
        while True:
            while self._waiting and not select.select([self._connection], [], [], 0)[0]:
                _import([self._waiting.popleft()])
            content, streams, _, _ = socket.recv_fds(self._connection, LARGEST_MESSAGE, STREAMS)
            if not content:
                return
            match unpack_wish(content):
                case Import(modules):
                    self._waiting.extend(modules)
                case Fork(modules):
                    self._tell(Born(self._fork(modules, streams)))
                case Bury(pid):
                    self._tell(Buried(pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))

    def _tell(self, news: News) -> None:
        self._connection.send(pack_message(news))

    def _fork(self, modules: Sequence[str], streams: Sequence[int]) -> int:
        _import(modules)
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # a collection in a lane would write to what the lanes share, and so copy it
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._connection.close()
            _live(modules, streams, parent)
        for stream in streams:
            os.close(stream)
        return pid


def _import(modules: Sequence[str]) -> None:
    with suppress(ImportError):  # told to whoever begins a fit that needs it
        import_libraries(modules)


def _live(modules: Sequence[str], streams: Sequence[int], parent: int) -> NoReturn:
    """Be a lane. Nothing of the nursery is gone on with, whatever happens."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        _end_with(parent)
        if _count_threads() > 1:
            # A library has begun a thread when it was imported. What it guards is in no order here: begin anew.
            os.execv(sys.executable, [sys.executable, "-m", process.__name__, *modules])  # noqa: S606  # our own module
        np.random.seed()  # the state of libraries that use it; Python's own is new in each fork
        gc.enable()
        process.run_lane(modules)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _count_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def main() -> None:
    """Run as a program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program that started it decides what an interrupt ends
    gc.disable()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        Nursery(connection).run()


if __name__ == "__main__":
    main()
