from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from gyropilot.sdk.sealing import SealError
from gyropilot.service.access import Role
from gyropilot.service.errors import InvalidRequestError
from gyropilot.storage.credentials import FileCredentials
from gyropilot.testing.threads import run_together


def test_makes_the_first_key_once(tmp_path: Path) -> None:
    key = FileCredentials(tmp_path).ensure_first_key()
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", key.secret_access_key)
    assert (key.user, key.role) == ("admin", Role.ADMIN)
    again = FileCredentials(tmp_path)
    assert again.ensure_first_key() == key
    assert again.find(key.access_key_id) == key
    assert again.find("AKIAUNKNOWN") is None


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    FileCredentials(tmp_path).ensure_first_key()
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "credentials.key").stat().st_mode & 0o777 == 0o600


def test_no_secret_is_written_as_it_is(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    secrets = [credentials.ensure_first_key(), credentials.add_user("bo", Role.USER), credentials.add_key("bo")]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [key for key in secrets if key.secret_access_key.encode() in written] == []


def test_whoever_asks_at_once_gets_the_same_key(tmp_path: Path) -> None:
    keys = run_together(lambda _: FileCredentials(tmp_path).ensure_first_key(), 8)
    assert len(set(keys)) == 1


def test_knows_nothing_before_the_first_key(tmp_path: Path) -> None:
    assert FileCredentials(tmp_path).find("AKIAUNKNOWN") is None


def test_a_change_is_seen_by_who_has_read_before(tmp_path: Path) -> None:
    """Another process made it: the command line beside a running server."""
    server, command = FileCredentials(tmp_path), FileCredentials(tmp_path)
    first = server.ensure_first_key()
    added = command.add_user("bo", Role.INVOKE)
    assert server.find(added.access_key_id) == added
    command.revoke_user("BO")
    assert server.find(added.access_key_id) is None
    assert server.find(first.access_key_id) == first


def test_reads_an_unchanged_file_once(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    key = credentials.ensure_first_key()
    assert credentials.find(key.access_key_id)
    path = tmp_path / "credentials.json"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"?" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert credentials.find(key.access_key_id) == key


def test_users_have_several_keys_which_end_one_by_one(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    credentials.ensure_first_key()
    first, second = credentials.add_user("bo", Role.USER), credentials.add_key("Bo")
    assert (second.user, second.role) == ("bo", Role.USER)
    assert [user.access_key_ids for user in credentials.list_users() if user.name == "bo"] == [
        (first.access_key_id, second.access_key_id)
    ]
    assert credentials.revoke_key(first.access_key_id) == "bo"
    assert credentials.find(first.access_key_id) is None
    assert credentials.find(second.access_key_id) == second
    credentials.revoke_key(second.access_key_id)
    assert [user.access_key_ids for user in credentials.list_users() if user.name == "bo"] == [()]


def test_the_last_administrator_stays(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    first = credentials.ensure_first_key()
    credentials.add_user("bo", Role.USER)
    with pytest.raises(InvalidRequestError, match="last administrator"):
        credentials.revoke_user("admin")
    with pytest.raises(InvalidRequestError, match="last administrator"):
        credentials.revoke_key(first.access_key_id)
    other = credentials.add_user("ann", Role.ADMIN)
    credentials.revoke_user("admin")
    assert credentials.ensure_first_key() == other


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "a/b", "ä", "a\nb"])
def test_names_that_break_the_rule_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="user name must be"):
        FileCredentials(tmp_path).add_user(name, Role.USER)


def test_what_is_not_there_cannot_be_changed(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    credentials.ensure_first_key()
    with pytest.raises(InvalidRequestError, match="called 'Admin' already"):
        credentials.add_user("Admin", Role.USER)
    with pytest.raises(InvalidRequestError, match="no user called 'bo'"):
        credentials.revoke_user("bo")
    with pytest.raises(InvalidRequestError, match="no user called 'bo'"):
        credentials.add_key("bo")
    with pytest.raises(InvalidRequestError, match="no access key 'AKIA'"):
        credentials.revoke_key("AKIA")


def test_users_made_at_once_are_all_kept(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    credentials.ensure_first_key()
    run_together(lambda number: FileCredentials(tmp_path).add_user(f"user-{number}", Role.USER), 8)
    assert len(credentials.list_users()) == 9


def test_a_file_of_the_first_form_is_brought_to_this_one(tmp_path: Path) -> None:
    old = [{"access_key_id": f"AKIA{number}", "secret_access_key": f"secret-{number}"} for number in range(2)]
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"keys": old}))
    credentials = FileCredentials(tmp_path)
    assert credentials.ensure_first_key().secret_access_key == "secret-0"
    assert "secret-" not in path.read_text()
    again = FileCredentials(tmp_path)
    assert [getattr(again.find(f"AKIA{number}"), "secret_access_key", "") for number in range(2)] == [
        "secret-0",
        "secret-1",
    ]
    assert [(user.name, user.role) for user in again.list_users()] == [("admin", Role.ADMIN)]


@pytest.mark.parametrize(("member", "value"), [("role", "admin"), ("name", "eve")])
def test_a_key_is_nobody_elses(tmp_path: Path, member: str, value: str) -> None:
    """Whoever can write the file but not read the key cannot raise a role or take a key over."""
    credentials = FileCredentials(tmp_path)
    credentials.ensure_first_key()
    key = credentials.add_user("bo", Role.INVOKE)
    path = tmp_path / "credentials.json"
    document = json.loads(path.read_text())
    document["users"][1][member] = value
    path.write_text(json.dumps(document))
    with pytest.raises(SealError, match="was changed"):
        FileCredentials(tmp_path).find(key.access_key_id)


@pytest.mark.parametrize("content", [None, b"", b"?", b"AAAA"])
def test_without_its_key_the_file_is_not_replaced(tmp_path: Path, content: bytes | None) -> None:
    first = FileCredentials(tmp_path).ensure_first_key()
    path, kept = tmp_path / "credentials.key", (tmp_path / "credentials.json").read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SealError, match=r"credentials\.key") as caught:
        FileCredentials(tmp_path).ensure_first_key()
    assert first.secret_access_key not in str(caught.value)
    with pytest.raises(SealError, match=r"credentials\.key"):
        FileCredentials(tmp_path).add_user("bo", Role.USER)
    assert (tmp_path / "credentials.json").read_bytes() == kept


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"keys": [{"access_key_id": "AKIAX"}]}',
        '{"users": [{"name": "a", "role": "king"}]}',
        '{"users": [{"name": "a", "role": "user"}]}',
        "\ufffd",
    ],
)
def test_refuses_a_broken_file(tmp_path: Path, content: str) -> None:
    """A new key in its place would lock everybody out who has an old one."""
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"is not a file of access keys|has no administrator"):
        FileCredentials(tmp_path).ensure_first_key()
    assert path.read_text() == content
