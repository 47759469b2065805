from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from gyropilot.sdk import ServerStartError, Session, SessionError
from gyropilot.sdk.home import Home
from gyropilot.sdk.session import DEFAULT_REGION
from gyropilot.sdk.start_server import HOST, PORT, port_for, start_server
from gyropilot.settings import Settings

URL = "http://127.0.0.1:8437"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keys = {"keys": [{"access_key_id": "AKIATEST", "secret_access_key": "secret"}]}
    (tmp_path / "credentials.json").write_text(json.dumps(keys))
    return tmp_path


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GYROPILOT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def test_its_defaults_are_the_servers() -> None:
    settings = Settings(home=Path())
    assert (settings.host, settings.port, settings.region) == (HOST, PORT, DEFAULT_REGION)


def test_the_environment_is_what_aws_tools_read(home: Path) -> None:
    assert Session(endpoint_url=URL + "/", home=home, region="eu-central-1").environment() == {
        "AWS_ENDPOINT_URL": URL,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
    }


def test_without_keys_of_its_own_it_takes_botos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(endpoint_url=URL, home=tmp_path)
    with pytest.raises(SessionError, match="There are no keys"):
        session.environment()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREMOTE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "far")
    assert Session(endpoint_url=URL, home=tmp_path).environment()["AWS_ACCESS_KEY_ID"] == "AKIAREMOTE"


def test_clients_speak_to_the_server_and_are_made_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    session = Session(endpoint_url=URL, home=home)
    client = session.client("sts")
    assert client.meta.endpoint_url == URL
    assert session.client("sts") is client


def test_the_region_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPILOT_REGION", "eu-west-1")
    assert Session(endpoint_url=URL, home=home).region == "eu-west-1"


def test_a_server_that_cannot_start_is_explained_at_once(tmp_path: Path) -> None:
    variables = {**os.environ, "GYROPILOT_ACCOUNT_ID": "twelve", "GYROPILOT_PORT": "0"}
    with pytest.raises(ServerStartError, match="GYROPILOT_ACCOUNT_ID must be 12 digits") as caught:
        start_server(Home(tmp_path), variables)
    assert "ended with exit code 1" in str(caught.value)
    with pytest.raises(ServerStartError) as again:
        start_server(Home(tmp_path), variables)
    assert str(again.value) == str(caught.value), "only the words of this start are told"


def test_a_taken_port_is_left_to_its_holder() -> None:
    with socket.create_server((HOST, 0)) as holder:
        taken = holder.getsockname()[1]
        assert port_for({}, usual=taken) == "0"
        assert port_for({"GYROPILOT_PORT": str(taken)}, usual=taken) == str(taken)
    assert port_for({}, usual=taken) == str(taken)
