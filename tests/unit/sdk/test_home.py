from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from gyropilot.sdk.errors import SessionError
from gyropilot.sdk.home import Home, Keys
from gyropilot.storage.credentials import FileCredentials


def test_finds_the_folder(tmp_path: Path) -> None:
    variables = {"GYROPILOT_HOME": str(tmp_path / "named")}
    assert Home.find(tmp_path, variables).path == tmp_path
    assert Home.find(None, variables).path == tmp_path / "named"
    assert Home.find(None, {}).path == Path("~/.gyropilot").expanduser().resolve()


def test_an_empty_folder_tells_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert (home.read_endpoint_url(), home.read_keys(), home.is_held()) == ("", None, False)


def test_reads_the_keys_that_the_server_makes(tmp_path: Path) -> None:
    made = FileCredentials(tmp_path).ensure_first_key()
    assert Home(tmp_path).read_keys() == Keys(
        access_key_id=made.access_key_id, secret_access_key=made.secret_access_key
    )


def test_reads_keys_of_the_first_form(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"keys": [{"access_key_id": "A", "secret_access_key": "b"}]}')
    assert Home(tmp_path).read_keys() == Keys(access_key_id="A", secret_access_key="b")


def test_keys_that_cannot_be_opened_are_an_error(tmp_path: Path) -> None:
    FileCredentials(tmp_path).ensure_first_key()
    (tmp_path / "credentials.key").unlink()
    with pytest.raises(SessionError, match=r"credentials\.key is missing"):
        Home(tmp_path).read_keys()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"keys": []}', '{"keys": [{}]}', '{"users": []}', '{"users": [{"role": "admin"}]}']
)
def test_a_broken_file_of_keys_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials.json").write_text(content)
    with pytest.raises(SessionError, match="does not hold access keys"):
        Home(tmp_path).read_keys()


@pytest.mark.parametrize("content", ["", "[]", "{", "{}"])
def test_a_broken_announcement_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)
    assert Home(tmp_path).read_endpoint_url() == ""


def test_sees_who_holds_the_folder(tmp_path: Path) -> None:
    with (tmp_path / "server.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Home(tmp_path).is_held()
    assert not Home(tmp_path).is_held()
