from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gyropilot.execution.local_process import LocalProcessLauncher, ProgramModules
from gyropilot.execution.open import open_launcher
from gyropilot.settings import Settings
from gyropilot.testing.launchers import make_spec
from gyropilot.testing.waiting import wait_until

_WORKER = """
import os, signal, subprocess, sys

if sys.argv[1] == "environment":
    print(os.environ["GYROPILOT_REGION"], os.environ["GYROPILOT_HOME"], os.environ["GYROPILOT_PROGRAM"])
else:
    helper = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    print(os.getpid(), helper.pid)
    if sys.argv[1] == "leave":
        sys.exit()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()
"""
_SERVER = """
import os, pathlib, signal, sys

print(" ".join(sys.argv[1:]), os.environ["GREETING"])
signal.pause()
"""
_LAUNCHING_PROGRAM = """
import sys, threading
from pathlib import Path
from gyropilot.execution.local_process import LocalProcessLauncher, ProgramModules
from gyropilot.settings import Settings
from gyropilot.testing.waiting import wait_until

launcher = LocalProcessLauncher(Settings(home=Path(sys.argv[1])), modules=ProgramModules(worker="some_worker"))
programs = []
# Started by a thread that ends: its end must not end the worker.
starter = threading.Thread(target=lambda: programs.append(launcher.start_worker("work")))
starter.start()
starter.join()
wait_until(lambda: launcher.output(programs[0]).endswith("\\n"))
print(launcher.output(programs[0]).strip(), launcher.is_alive(programs[0]), flush=True)
threading.Event().wait()
"""
_EIGHT_DAYS_SECONDS = 8 * 24 * 3600


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProgramModules:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "some_worker.py").write_text(_WORKER)
    (folder / "some_server.py").write_text(_SERVER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, sys.path)]))
    return ProgramModules(worker="some_worker", model_server="some_server")


@pytest.fixture
def launcher(tmp_path: Path, modules: ProgramModules) -> Iterator[LocalProcessLauncher]:
    launcher = LocalProcessLauncher(Settings(home=tmp_path / "home", region="eu-west-1"), modules=modules)
    yield launcher
    launcher.close()


def _await_processes(launcher: LocalProcessLauncher, program: str) -> list[psutil.Process]:
    wait_until(lambda: launcher.output(program).endswith("\n"))
    return [psutil.Process(int(number)) for number in launcher.output(program).split()]


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_read_the_launchers_settings(launcher: LocalProcessLauncher, tmp_path: Path) -> None:
    program = launcher.start_worker("environment")
    wait_until(lambda: not launcher.is_alive(program))
    assert launcher.output(program).split() == ["eu-west-1", str(tmp_path / "home"), program]


def test_model_servers_get_their_arguments(launcher: LocalProcessLauncher, tmp_path: Path) -> None:
    program = launcher.start_model_server(make_spec("wait"))
    wait_until(lambda: launcher.output(program).endswith("\n"))
    announcement = tmp_path / "home" / "run" / program / "address"
    expected = f"--model /models/wait.tar.gz --port 0 --announce {announcement} good day"
    assert launcher.output(program).strip() == expected
    assert launcher.address(program) is None


def test_stopping_ends_the_helpers_too(launcher: LocalProcessLauncher) -> None:
    program = launcher.start_worker("work")
    worker, helper = _await_processes(launcher, program)
    launcher.stop(program, grace_seconds=0.05)
    assert not worker.is_running()
    wait_until(lambda: _is_gone(helper))


def test_helpers_end_with_the_program_that_left_them(launcher: LocalProcessLauncher) -> None:
    program = launcher.start_worker("leave")
    wait_until(lambda: not launcher.is_alive(program))
    _, helper = launcher.output(program).split()
    wait_until(lambda: not psutil.pid_exists(int(helper)) or _is_gone(psutil.Process(int(helper))))


def test_a_killed_program_is_reaped(launcher: LocalProcessLauncher) -> None:
    program = launcher.start_worker("work")
    worker, _ = _await_processes(launcher, program)
    worker.kill()
    wait_until(lambda: not launcher.is_alive(program))
    assert not worker.is_running()


def test_programs_end_with_a_killed_launcher(tmp_path: Path, modules: ProgramModules) -> None:
    """Even when it has no chance to stop them, and though they ignore requests to end."""
    command = [sys.executable, "-c", _LAUNCHING_PROGRAM, str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker, helper, is_alive = parent.stdout.readline().split()
        processes = [psutil.Process(int(worker)), psutil.Process(int(helper))]
        assert is_alive == "True"
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: all(_is_gone(process) for process in processes))


def test_a_closed_launcher_starts_nothing(launcher: LocalProcessLauncher) -> None:
    """A start that comes late would leave a program that nobody stops."""
    launcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        launcher.start_worker("work")


def test_descriptors_are_given_back(launcher: LocalProcessLauncher) -> None:
    this = psutil.Process()
    before = this.num_fds()
    program = launcher.start_worker("environment")
    wait_until(lambda: not launcher.is_alive(program))
    wait_until(lambda: this.num_fds() == before)


def test_a_program_that_cannot_start_is_told(tmp_path: Path) -> None:
    launcher = LocalProcessLauncher(Settings(home=tmp_path), python="/no/such/python")
    before = psutil.Process().num_fds()
    with pytest.raises(FileNotFoundError):
        launcher.start_worker("job")
    assert psutil.Process().num_fds() == before


def test_opening_removes_what_old_programs_wrote(tmp_path: Path) -> None:
    long_ago = time.time() - _EIGHT_DAYS_SECONDS
    for name in ("old", "young"):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "output.log").touch()
    os.utime(tmp_path / "run" / "old", (long_ago, long_ago))
    LocalProcessLauncher(Settings(home=tmp_path))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["young"]


def test_the_default_is_a_launcher_of_local_processes(tmp_path: Path) -> None:
    launcher = open_launcher(Settings(home=tmp_path))
    assert isinstance(launcher, LocalProcessLauncher)
    launcher.close()
