"""Notices that the worker is asked to end."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable


def call_when_asked_to_end(mark: Callable[[], None], end: Callable[[], None]) -> None:
    """Call two functions at the first SIGTERM or SIGINT.

    A signal handler may interrupt the main thread anywhere, even while it holds a lock that ending needs; the
    interpreter's wake-up socket carries the signal to a thread instead.

    Args:
        mark: called in the main thread before it takes its next step, and before `end`; must take no lock.
        end: called from a thread of its own.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: mark())

    def wait() -> None:
        with reader, writer:
            reader.recv(1)
            mark()  # this thread may be quicker than the main one
            end()

    threading.Thread(target=wait, name="ending", daemon=True).start()
