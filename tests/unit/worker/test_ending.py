from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, threading, time
from gyropilot.worker.ending import call_when_asked_to_end

marks = []
lock = threading.Lock()

def end():
    with lock:
        print("marked first" if marks else "not marked", flush=True)
        os._exit(0)

call_when_asked_to_end(lambda: marks.append(1), end)
print("ready", flush=True)
while True:
    with lock:  # what the main thread holds when the signal comes must not keep the end from coming
        sum(range(1000))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_marks_and_ends(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(number)
        assert program.communicate(timeout=30)[0] == "marked first\n"
    assert program.returncode == 0
