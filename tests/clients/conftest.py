from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import RunningServer, read_rows, without, write_rows
from tests.clients.programs import Shell, open_shell

ROWS, VALIDATION_ROWS, ASKED_ROWS = 600, 200, 5


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("home"), {"GYROPILOT_MAX_RUNNING_JOBS": "2"})
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="session")
def session(server: RunningServer) -> Session:
    return Session(home=server.home)


@pytest.fixture(scope="session")
def shell(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return open_shell(server, tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's: rows to learn from, rows to validate with, and rows to ask about, without the target."""
    folder = tmp_path_factory.mktemp("tables")
    header, rows = read_rows("adult.csv", ROWS + VALIDATION_ROWS + ASKED_ROWS)
    asked = without(header.index("income"), rows[-ASKED_ROWS:])
    (folder / "people.csv").write_bytes(write_rows([header, *rows[:ROWS]]))
    (folder / "validation.csv").write_bytes(write_rows([header, *rows[ROWS:-ASKED_ROWS]]))
    (folder / "asked.csv").write_bytes(write_rows(asked))
    return folder
