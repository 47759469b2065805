"""A real PostgreSQL server for the tests, from the system's binaries, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

ACCOUNTS = ("postgres", "nobody")
"""Who runs the server when the tests run as root: initdb refuses root."""


@dataclass(frozen=True, kw_only=True)
class PostgresqlServer:
    """A running server."""

    folder: Path

    def make_schema(self) -> str:
        """Make an empty schema and return the URL that leads into it; to the stores it is a database of their own."""
        name = f"s{uuid.uuid4().hex}"
        with psycopg.connect(self._options(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"postgresql+psycopg://tests@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def end_connections(self) -> None:
        """Do what a restart of the server does to those who are connected."""
        with psycopg.connect(self._options(), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def _options(self) -> str:
        return f"host={self.folder} user=tests dbname=postgres"


@contextmanager
def run_postgresql() -> Iterator[PostgresqlServer]:
    """Run a server until the end of the block; where there can be none the test is skipped, with the reason."""
    binaries = _find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    account = _choose_account()
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"
        init: list[str | Path] = [
            binaries / "initdb",
            "--pgdata",
            data,
            "--username",
            "tests",
            "--auth",
            "trust",
            "--no-sync",
        ]
        _start([*init, "--encoding", "UTF8", "--locale", "C.UTF-8"], account, folder).wait(60)
        options = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "max_connections=60")
        command: list[str | Path] = [
            binaries / "postgres",
            "-D",
            data,
            *(part for option in options for part in ("-c", option)),
        ]
        process = _start(command, account, folder)
        try:
            _wait_until_it_answers(binaries, folder, process)
            yield PostgresqlServer(folder=folder)
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            process.wait(60)
    finally:
        shutil.rmtree(folder)


def _find_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    named = shutil.which("initdb")
    if found or named:
        return found[-1].parent if found else Path(str(named)).parent
    reason = "PostgreSQL is not installed; `make test` installs it where apt-get is and the user may"
    if shutil.which("apt-get"):
        pytest.fail(reason)
    pytest.skip(reason)


def _choose_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def _start(command: Sequence[str | Path], account: pwd.struct_passwd | None, folder: Path) -> subprocess.Popen[bytes]:
    user = account.pw_uid if account is not None else None
    group = account.pw_gid if account is not None else None
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            command,
            user=user,
            group=group,
            extra_groups=[] if account is not None else None,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait_until_it_answers(binaries: Path, folder: Path, process: subprocess.Popen[bytes]) -> None:
    ask: list[str | Path] = [binaries / "pg_isready", "--quiet", "--host", folder, "--timeout", "1"]
    while subprocess.run(ask, check=False).returncode != 0:
        if process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended: {(folder / 'server.log').read_text()}")
