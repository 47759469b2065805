"""Makes a child program, and all that it started, end with this process, however this process ends.

The kernel does it, so it also holds after `kill -9`: the child inherits the reading end of a pipe of which this process
holds the only writing end. When that end closes, the kernel sends the signal that the pipe asks for, here SIGKILL, to
the child's whole process group. The usual `PR_SET_PDEATHSIG` will not do: it goes off when the *thread* that started
the child ends, spares the child's own children, and must be set between fork and exec, where a program with threads
cannot run Python.
"""

from __future__ import annotations

import fcntl
import os
import signal
from types import TracebackType

_F_SETSIG = 10
"""Linux's number, on every processor that Python runs on; the standard library does not name it."""


class Lifeline:
    """One child's pipe. Enter it around the child's start; close it when the child is gone."""

    def __init__(self) -> None:
        self._inherited, self._kept = os.pipe()

    def __enter__(self) -> Lifeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._inherited)
        if error is not None:
            self.close()

    @property
    def inherited(self) -> int:
        """The descriptor that the child must be given; nothing is ever written to it."""
        return self._inherited

    def tie(self, process_group: int) -> None:
        """Let this process group die with this process."""
        # Owner and signal belong to the open file, which the child shares: set here, they stay when this end is closed.
        fcntl.fcntl(self._inherited, fcntl.F_SETOWN, -process_group)
        fcntl.fcntl(self._inherited, _F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(self._inherited, fcntl.F_GETFL)
        fcntl.fcntl(self._inherited, fcntl.F_SETFL, flags | os.O_ASYNC)

    def close(self) -> None:
        """Cut the line: what is left of the group is killed."""
        os.close(self._kept)
