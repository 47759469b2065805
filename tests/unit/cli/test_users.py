from __future__ import annotations

import json
from pathlib import Path

import pytest

from gyropilot.service.access import Role
from gyropilot.storage.credentials import FileCredentials
from tests.unit.cli.test_main import run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GYROPILOT_HOME", str(tmp_path))
    return tmp_path


def read_key(out: str) -> tuple[str, str]:
    """Return what the shell would have after `eval`."""
    lines = dict(line.removeprefix("export ").split("=", 1) for line in out.splitlines())
    return lines["AWS_ACCESS_KEY_ID"], lines["AWS_SECRET_ACCESS_KEY"]


def test_a_user_comes_and_goes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("users", "add", "bo", "--role", "invoke") == 0
    identifier, secret = read_key(capsys.readouterr().out)
    found = FileCredentials(home).find(identifier)
    assert found is not None
    assert (found.user, found.role, found.secret_access_key) == ("bo", Role.INVOKE, secret)
    assert run("users", "list") == 0
    listed = capsys.readouterr().out
    assert all(word in listed for word in ("admin", "bo", "invoke", identifier))
    assert secret not in listed
    assert run("users", "revoke", "bo") == 0
    assert FileCredentials(home).find(identifier) is None


def test_keys_come_and_go(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("users", "add", "bo")
    run("users", "keys", "add", "bo")
    out = capsys.readouterr().out.splitlines()
    first, second = read_key("\n".join(out[:2]))[0], read_key("\n".join(out[2:]))[0]
    assert run("users", "keys", "revoke", first) == 0
    assert FileCredentials(home).find(first) is None
    assert FileCredentials(home).find(second) is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("revoke", "admin"), "last administrator"),
        (("revoke", "bo"), "no user called 'bo'"),
        (("add", "Admin"), "already"),
        (("add", "a/b"), "must be 1 to 64"),
        (("keys", "add", "bo"), "no user called 'bo'"),
        (("keys", "revoke", "AKIA"), "no access key 'AKIA'"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("users", *arguments) == 1
    assert words in capsys.readouterr().err


def test_an_unknown_role_is_wrong_usage() -> None:
    assert run("users", "add", "bo", "--role", "king") == 2


def test_changes_are_written_into_the_audit_log(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("users", "add", "bo")
    secret = read_key(capsys.readouterr().out)[1]
    run("users", "revoke", "admin")
    text = (home / "audit" / "audit.jsonl").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [(entry["operation"], entry["resource"], entry["status"]) for entry in entries] == [
        ("AddUser", "bo", 200),
        ("RevokeUser", "admin", 400),
    ]
    assert secret not in text


def test_programs_are_told_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("users", "add", "bo", "--json") == 0
    key = json.loads(capsys.readouterr().out)
    assert set(key) == {"access_key_id", "secret_access_key"}
    assert run("users", "list", "--json") == 0
    listed = {user["user"]: user for user in json.loads(capsys.readouterr().out)}
    assert listed["bo"]["keys"] == [key["access_key_id"]]
    assert listed["bo"]["role"] == "user"
    assert run("users", "keys", "revoke", "--json", key["access_key_id"]) == 0
    assert json.loads(capsys.readouterr().out) == {"revoked": key["access_key_id"]}
