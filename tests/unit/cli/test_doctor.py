from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from gyropilot.cli.checks import Finding, examine
from gyropilot.storage.credentials import FileCredentials
from gyropilot.storage.databases import locate_sqlite
from gyropilot.storage.records_sql import SqlRecordStore
from tests.unit.cli.test_main import run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GYROPILOT_HOME", str(home))
    monkeypatch.setenv("GYROPILOT_PORT", "0")
    for name in ("GYROPILOT_ENDPOINT_URL", "GYROPILOT_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return home


def find(subject: str) -> Finding:
    (found,) = [finding for finding in examine() if finding.subject == subject]
    return found


def test_nothing_is_made_where_nothing_is(home: Path) -> None:
    home.rmdir()
    assert find("state folder").words.endswith("made when it is needed")
    assert {find(subject).state for subject in ("python", "libraries", "keys", "records", "server")} == {"ok"}
    assert not home.exists()


def test_what_is_whole_is_ok(home: Path) -> None:
    key = FileCredentials(home).ensure_first_key()
    SqlRecordStore(locate_sqlite(home / "records.db")).close()
    assert find("keys").words.startswith(key.access_key_id)
    assert (find("records").state, find("state folder").state) == ("ok", "ok")


def test_records_that_are_damaged_are_broken(home: Path) -> None:
    path = home / "records.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000)); CREATE INDEX i ON t (x);"
        )
    connection.close()
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    assert find("records").state == "broken"
    path.write_bytes(b"no database at all, " * 100)
    found = find("records")
    assert (found.state, found.remedy) == ("broken", "Stop the server and restore the file from a backup.")


def test_keys_that_cannot_be_opened_are_broken(home: Path) -> None:
    FileCredentials(home).ensure_first_key()
    (home / "credentials.key").write_bytes(b"x")
    found = find("keys")
    assert found.state == "broken"
    assert "credentials.key" in found.remedy


def test_a_folder_that_others_may_read_is_noted(home: Path) -> None:
    home.chmod(0o755)
    found = find("state folder")
    assert (found.state, found.remedy) == ("note", f"chmod 700 {home}")


def test_a_port_that_another_program_has_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("GYROPILOT_PORT", str(other.getsockname()[1]))
        found = find("port")
    assert found.state == "note"
    assert "GYROPILOT_PORT" in found.remedy
    assert find("port").state == "ok"


@pytest.mark.parametrize(
    ("variable", "value", "subject"),
    [
        ("GYROPILOT_ENDPOINT_URL", "http://127.0.0.1:1", "server"),
        ("GYROPILOT_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none", "records"),
        ("GYROPILOT_PORT", "many", "settings"),
    ],
)
def test_what_is_broken_ends_with_1_and_how_to_mend_it(
    variable: str, value: str, subject: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert run("doctor", "--json") == 1
    found = {each["subject"]: each for each in json.loads(capsys.readouterr().out)}
    assert found[subject]["state"] == "broken"
    assert found[subject]["remedy"]
    assert run("doctor") == 1
    assert found[subject]["remedy"] in capsys.readouterr().out
