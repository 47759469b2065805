"""Programs as users have them, started in a shell in which `eval "$(gyropilot env)"` was typed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running import ROOT, RunningServer

PROGRAMS = ROOT / ".venvs" / "clients" / "bin"
FOLDER = ROOT / "tests" / "clients"
PACKAGES = FOLDER / "javascript" / "node_modules"
INTERPRETERS = {".py": (PROGRAMS / "python", ()), ".mjs": (PROGRAMS / "node", (PACKAGES,))}
"""What runs a script, and what it needs beside."""
SECONDS = 300
"""How long a program may take: the SageMaker SDK looks every 30 seconds whether something is ready."""


def require(*places: Path) -> None:
    """Fail, with what to do, unless these parts of the clients are installed."""
    for place in places:
        if not place.exists():
            pytest.fail(
                f"{place} is missing: `make test` and tools/prepare_clients.sh install the clients, "
                "-m 'not clients' leaves their tests out",
                pytrace=False,
            )


@dataclass(frozen=True)
class Done:
    """What a program left when it ended."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Script:
    """A script that was started, writing to files so that it never waits for a reader."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path

    def wait(self) -> Done:
        """Return what the script left; calling it again gives the same."""
        status = self.process.wait(SECONDS)
        return Done(status, (self.folder / "output").read_text(), (self.folder / "errors").read_text())

    def end(self) -> None:
        """Make an end of a script that nobody waits for any more."""
        self.process.kill()
        self.process.wait()

    def report(self) -> Any:
        """Return the report that the script wrote when it was through."""
        done = self.wait()
        assert done.status == 0, f"{self.name} ended with {done.status}:\n{done.output}\n{done.errors}"
        return json.loads((self.folder / "report.json").read_text())


@dataclass(frozen=True)
class Shell:
    """A user's shell: variables that `gyropilot env` printed, a home folder, and nothing else about AWS."""

    variables: Mapping[str, str]
    folder: Path

    def run(self, program: str, *arguments: str | Path, stdin: bytes = b"") -> Done:
        """Run one of the clients' programs in the home folder."""
        require(PROGRAMS / program)
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            cwd=self.folder,
            env=dict(self.variables),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, script: str, *arguments: str | Path) -> Script:
        """Start a script, named by its path below this folder; its last argument is where it writes its report."""
        path = FOLDER / script
        interpreter, needed = INTERPRETERS[path.suffix]
        require(interpreter, *needed)
        folder = self.folder / path.stem
        folder.mkdir()
        with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [interpreter, path, *arguments, "report.json"],
                cwd=folder,
                env=dict(self.variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        return Script(path.stem, process, folder)


def open_shell(server: RunningServer, folder: Path) -> Shell:
    """Return a shell in which the server's variables are set."""
    printed = subprocess.run(
        [sys.executable, "-m", "gyropilot.cli", "env"],
        env=server.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stderr == ""
    exported = dict(shlex.split(line)[1].split("=", 1) for line in printed.stdout.splitlines())
    plain = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return Shell({**plain, "PATH": path, "HOME": str(folder), **exported}, folder)
