"""What every launcher must do: subclass `LauncherSuite` (or `ForcefulLauncherSuite`) and override its fixture.

The fixture's launcher starts programs made for these tests. What one does is the name of its job or endpoint:

    wait      writes `ready` and runs until it is asked to end
    finish    writes `done` and ends
    fail      ends with an error whose message is 10,000 times `x` and `the end`
    refuse    writes `ready` and does not end when asked to (forceful launchers only)

A model server serves the archive `ENDPOINT.tar.gz`, writes the value of its variable `GREETING` first,
and one that waits listens and announces its address.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gyropilot.service.ports import Launcher, ModelServerSpec
from gyropilot.testing.threads import run_together
from gyropilot.testing.waiting import wait_until

_UNKNOWN = "no-such-program"
_OUTPUT_CHARACTERS = 4_000


def make_spec(endpoint: str) -> ModelServerSpec:
    """Return a model server that does what the endpoint's name says."""
    return ModelServerSpec(
        endpoint=endpoint,
        variant="all",
        archives=(Path(f"/models/{endpoint}.tar.gz"),),
        environment={"GREETING": "good day"},
    )


def start_ready_worker(launcher: Launcher, job: str) -> str:
    """Start a worker and return when it is at work."""
    program = launcher.start_worker(job)
    wait_until(lambda: "ready" in launcher.output(program))
    return program


class LauncherSuite:
    """The obligations of `gyropilot.service.ports.Launcher`, for programs that end when they are asked to."""

    @pytest.fixture
    def launcher(self) -> Launcher:
        """Give a launcher of the programs described above, and close it at the end."""
        raise NotImplementedError

    def test_runs_a_worker_until_it_is_stopped(self, launcher: Launcher) -> None:
        """`stop` returns when it is gone, and may be called again."""
        program = start_ready_worker(launcher, "wait")
        assert launcher.is_alive(program)
        assert launcher.address(program) is None
        launcher.stop(program)
        assert not launcher.is_alive(program)
        launcher.stop(program)

    def test_notices_the_end_of_a_worker(self, launcher: Launcher) -> None:
        """Its output stays."""
        program = launcher.start_worker("finish")
        wait_until(lambda: not launcher.is_alive(program))
        assert launcher.output(program).strip() == "done"
        launcher.stop(program)

    def test_keeps_the_end_of_a_failures_output(self, launcher: Launcher) -> None:
        """The cause of a failure stands there."""
        program = launcher.start_worker("fail")
        wait_until(lambda: not launcher.is_alive(program))
        output = launcher.output(program)
        assert output.strip().endswith("xthe end")
        assert len(output) <= _OUTPUT_CHARACTERS

    def test_reads_output_as_it_comes(self, launcher: Launcher) -> None:
        """From where the reader stopped; also when the program has ended."""
        program = start_ready_worker(launcher, "wait")
        first, end = launcher.read_output(program, 0)
        assert (first.decode().strip(), end) == ("ready", len(first))
        assert launcher.read_output(program, end) == (b"", end)
        assert launcher.read_output(program, 2) == (first[2:], end)
        launcher.stop(program)
        rest, last = launcher.read_output(program, end)
        assert last == end + len(rest)
        assert launcher.read_output(_UNKNOWN, 0) == (b"", 0)

    def test_programs_are_told_apart(self, launcher: Launcher) -> None:
        """Also when they run the same job, and after one of them has ended."""
        first = start_ready_worker(launcher, "wait")
        second = start_ready_worker(launcher, "wait")
        launcher.stop(first)
        third = start_ready_worker(launcher, "wait")
        assert len({first, second, third}) == 3
        assert [launcher.is_alive(program) for program in (first, second, third)] == [False, True, True]

    def test_runs_a_model_server(self, launcher: Launcher) -> None:
        """Its address is known once it listens, and forgotten when it is gone."""
        program = launcher.start_model_server(make_spec("wait"))
        wait_until(lambda: launcher.address(program) is not None)
        address = launcher.address(program)
        assert address is not None
        assert re.fullmatch(r"http://[\w.]+:\d+", address)
        parts = urlsplit(address)
        socket.create_connection((parts.hostname, parts.port), timeout=10).close()
        assert launcher.output(program).startswith("good day")
        launcher.stop(program)
        assert launcher.address(program) is None
        assert not launcher.is_alive(program)

    def test_a_failed_model_server_has_no_address(self, launcher: Launcher) -> None:
        """But an output."""
        program = launcher.start_model_server(make_spec("fail"))
        wait_until(lambda: not launcher.is_alive(program))
        assert launcher.address(program) is None
        assert launcher.output(program).strip().endswith("the end")

    def test_knows_nothing_of_unknown_ids(self, launcher: Launcher) -> None:
        """And does not mind them."""
        assert launcher.address(_UNKNOWN) is None
        assert not launcher.is_alive(_UNKNOWN)
        assert launcher.output(_UNKNOWN) == ""
        launcher.stop(_UNKNOWN)

    def test_close_stops_everything(self, launcher: Launcher) -> None:
        """Workers and model servers."""
        worker = start_ready_worker(launcher, "wait")
        server = launcher.start_model_server(make_spec("wait"))
        finished = launcher.start_worker("finish")
        launcher.close()
        assert [launcher.is_alive(program) for program in (worker, server, finished)] == [False, False, False]
        launcher.close()

    def test_threads_share_a_launcher(self, launcher: Launcher) -> None:
        """Starting and stopping at the same time, each what it likes."""

        def work(_number: int) -> str:
            program = start_ready_worker(launcher, "wait")
            assert launcher.is_alive(program)
            launcher.stop(program)
            assert not launcher.is_alive(program)
            return program

        assert len(set(run_together(work, 4))) == 4

    def test_many_may_stop_one(self, launcher: Launcher) -> None:
        """All of them return when it is gone."""
        program = start_ready_worker(launcher, "wait")

        def work(_number: int) -> bool:
            launcher.stop(program)
            return launcher.is_alive(program)

        assert run_together(work, 4) == [False] * 4


class ForcefulLauncherSuite(LauncherSuite):
    """And for launchers that can end programs that do not want to."""

    def test_ends_what_refuses_to_end(self, launcher: Launcher) -> None:
        """When the grace is over."""
        program = start_ready_worker(launcher, "refuse")
        launcher.stop(program, grace_seconds=0.05)
        assert not launcher.is_alive(program)
