from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from gyropilot.storage.credentials import FileCredentials
from gyropilot.testing.threads import run_together


def test_makes_the_first_key_once(tmp_path: Path) -> None:
    key = FileCredentials(tmp_path).ensure_first_key()
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", key.secret_access_key)
    again = FileCredentials(tmp_path)
    assert again.ensure_first_key() == key
    assert again.secret_for(key.access_key_id) == key.secret_access_key
    assert again.secret_for("AKIAUNKNOWN") is None


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    FileCredentials(tmp_path).ensure_first_key()
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_whoever_asks_at_once_gets_the_same_key(tmp_path: Path) -> None:
    keys = run_together(lambda _: FileCredentials(tmp_path).ensure_first_key(), 8)
    assert len(set(keys)) == 1


def test_knows_nothing_before_the_first_key(tmp_path: Path) -> None:
    assert FileCredentials(tmp_path).secret_for("AKIAUNKNOWN") is None


def test_notices_changes_of_the_file(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    key = credentials.ensure_first_key()
    path = tmp_path / "credentials.json"
    document = json.loads(path.read_text())
    document["keys"].append({"access_key_id": "AKIASECOND", "secret_access_key": "s", "note": "by hand"})
    path.write_text(json.dumps(document))
    assert credentials.secret_for("AKIASECOND") == "s"
    assert credentials.secret_for(key.access_key_id) == key.secret_access_key
    path.unlink()
    assert credentials.secret_for("AKIASECOND") is None


def test_reads_an_unchanged_file_once(tmp_path: Path) -> None:
    credentials = FileCredentials(tmp_path)
    key = credentials.ensure_first_key()
    assert credentials.secret_for(key.access_key_id)
    path = tmp_path / "credentials.json"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"?" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert credentials.secret_for(key.access_key_id) == key.secret_access_key


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{"access_key_id": "AKIAX"}]}', "\ufffd"])
def test_refuses_a_broken_file(tmp_path: Path, content: str) -> None:
    """A new key in its place would lock everybody out who has an old one."""
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="is not a file of access keys"):
        FileCredentials(tmp_path).ensure_first_key()
    assert path.read_text() == content
