"""The programs under measurement: a server of its own state folder, and the memory of everything that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
HEALTH_PATH = "/_gyropilot/health"
START_SECONDS = 60.0
SAMPLE_SECONDS = 0.05
QUIET_SAMPLE_SECONDS = 1.0
"""How often memory is looked at while something else is timed, which looking would disturb."""
ROLES = {
    "gyropilot.server": "server",
    "gyropilot.worker": "worker with its lanes",
    "gyropilot.serving": "model server",
}


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A server that answers."""

    process: psutil.Process
    endpoint_url: str
    home: Path
    start_seconds: float
    """From the spawning of the process to the first healthy answer."""


@contextmanager
def running_server(
    home: Path, *, module: str = "gyropilot.server", settings: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """Start a server on any free port, wait until it is healthy, and stop it at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GYROPILOT_", "AWS_"))}
    environment |= {"GYROPILOT_HOME": str(home), "GYROPILOT_PORT": "0", **(settings or {})}
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("wb") as log:
        began_at = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT
        )
        try:
            url = _wait_until_healthy(process, home, began_at)
            yield RunningServer(
                process=psutil.Process(process.pid),
                endpoint_url=url,
                home=home,
                start_seconds=time.perf_counter() - began_at,
            )
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_healthy(process: subprocess.Popen[bytes], home: Path, began_at: float) -> str:
    while time.perf_counter() - began_at < START_SECONDS and process.poll() is None:
        try:
            url = str(json.loads((home / "server.json").read_bytes())["endpoint_url"])
            with urllib.request.urlopen(url + HEALTH_PATH, timeout=1) as response:
                if response.status == 200:  # HTTP: OK
                    return url
        except (OSError, ValueError, KeyError, urllib.error.URLError):
            time.sleep(0.005)
    raise RuntimeError(f"the server did not start: {(home / 'server.log').read_text()[-2000:]}")


@dataclass
class MemoryWatch:
    """Samples the resident memory of a process tree, by the role of each process, and keeps the peaks.

    A role's figure is the sum over its processes; memory that they share is counted in each of them.
    """

    root: psutil.Process
    peaks: dict[str, int] = field(default_factory=dict)
    interval_seconds: float = SAMPLE_SECONDS
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> MemoryWatch:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(self.interval_seconds):
            for role, size in self._sample().items():
                self.peaks[role] = max(self.peaks.get(role, 0), size)

    def _sample(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        roles = {self.root.pid: "server"}
        for process in (self.root, *self.root.children(recursive=True)):
            try:
                role = self._role(process, roles)
                if role == "server" and process != self.root:
                    continue  # between fork and exec: a program about to start, not the server's memory
                roles[process.pid] = role
                sizes[role] = sizes.get(role, 0) + process.memory_info().rss
            except psutil.Error:
                continue  # it ended meanwhile
        return sizes

    def _role(self, process: psutil.Process, roles: dict[int, str]) -> str:
        """Return what a process is: by its own command, else what its parent is (lanes belong to the worker)."""
        for word in process.cmdline():
            if word in ROLES:
                return ROLES[word]
        return roles.get(process.ppid(), "other")


def find_listening_url(root: psutil.Process, module: str) -> str:
    """Return where the only descendant that runs a module listens."""
    for process in root.children(recursive=True):
        if module in process.cmdline():
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    return f"http://127.0.0.1:{connection.laddr.port}"
    raise RuntimeError(f"no process runs {module} and listens")
