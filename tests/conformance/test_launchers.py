"""The launchers keep what `Launcher` promises."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gyropilot.execution.inline import InlineLauncher, InlineProgram
from gyropilot.execution.local_process import LocalProcessLauncher, ProgramModules
from gyropilot.service.ports import Launcher, ModelServerSpec
from gyropilot.settings import Settings
from gyropilot.testing.launchers import ForcefulLauncherSuite, LauncherSuite

_PROGRAMS = Path(__file__).with_name("programs")


class TestLocalProcessLauncher(ForcefulLauncherSuite):
    @pytest.fixture
    def launcher(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
        monkeypatch.setenv("PYTHONPATH", str(_PROGRAMS))
        modules = ProgramModules(worker="obedient_worker", model_server="obedient_server")
        launcher = LocalProcessLauncher(Settings(home=tmp_path), modules=modules)
        yield launcher
        launcher.close()


class TestInlineLauncher(LauncherSuite):
    @pytest.fixture
    def launcher(self) -> Iterator[Launcher]:
        launcher = InlineLauncher(_run_worker, _serve)
        yield launcher
        launcher.close()


def _run_worker(job: str, program: InlineProgram) -> None:
    if job == "finish":
        program.write("done\n")
    elif job == "fail":
        raise RuntimeError("x" * 10_000 + "the end")
    else:
        program.write("ready\n")
        program.stopping.wait()


def _serve(spec: ModelServerSpec, program: InlineProgram) -> None:
    program.write(f"{spec.environment['GREETING']}\n")
    if spec.endpoint == "fail":
        raise RuntimeError("x" * 10_000 + "the end")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program.announce(f"http://127.0.0.1:{listener.getsockname()[1]}")
        program.stopping.wait()
