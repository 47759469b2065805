"""A model server in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

from gyropilot.testing.waiting import wait_until

GOLDEN = Path(__file__).parents[2] / "data" / "bundles"


@dataclass(frozen=True, kw_only=True)
class RunningModelServer:
    process: subprocess.Popen[bytes]
    address: str
    http: urllib3.PoolManager
    log: Path

    def ask(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request("POST", f"{self.address}/invocations", body=body, headers=named)

    @property
    def is_well(self) -> bool:
        return self.process.poll() is None and self.http.request("GET", f"{self.address}/ping").status == 200


@contextlib.contextmanager
def running_model_server(
    folder: Path, model: Path, environment: Mapping[str, str] | None = None
) -> Iterator[RunningModelServer]:
    announcement, log = folder / "address", folder / "output.log"
    command = [sys.executable, "-m", "gyropilot.serving", "--model", str(model), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--announce", str(announcement)],
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: announcement.exists() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        with urllib3.PoolManager(retries=False) as http:
            yield RunningModelServer(process=process, address=announcement.read_text(), http=http, log=log)
    finally:
        process.terminate()
        process.wait(30)
