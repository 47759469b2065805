from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gyropilot.sdk.find_server import HEALTH_PATH, answers, find_local_server, find_server
from gyropilot.sdk.home import Home


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == HEALTH_PATH else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        return


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def announce(folder: Path, url: str) -> Home:
    (folder / "server.json").write_text(json.dumps({"endpoint_url": url, "pid": 1}))
    return Home(folder)


def test_a_server_that_answers_is_found(tmp_path: Path, url: str) -> None:
    assert find_local_server(announce(tmp_path, url)) == url


@pytest.mark.parametrize("gone", ["http://127.0.0.1:1", "nonsense", ""])
def test_one_that_does_not_is_none(tmp_path: Path, gone: str) -> None:
    assert find_local_server(announce(tmp_path, gone)) == ""


def test_another_program_on_the_port_is_none(url: str) -> None:
    assert not answers(f"{url}/elsewhere")


def test_a_proxy_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert answers(url)


def test_a_named_server_is_taken_at_its_word(tmp_path: Path, url: str) -> None:
    home = announce(tmp_path, url)
    assert find_server(home, {"GYROPILOT_ENDPOINT_URL": "http://far.away"}) == "http://far.away"
    assert find_server(home, {}) == url
