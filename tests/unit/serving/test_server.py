from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
import uvicorn

from gyropilot.serving.app import INLINE_BYTES, make_app
from gyropilot.serving.options import ServingOptions
from gyropilot.serving.run_server import AnnouncingServer
from gyropilot.testing.waiting import wait_until
from tests.unit.serving.scripted import ScriptedModel

LIMIT = 2 * INLINE_BYTES
CSV = {"content-type": "text/csv"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    announcement: Path = tmp_path_factory.mktemp("serving") / "address"
    app = make_app(ScriptedModel(), ServingOptions(max_bytes=LIMIT, body_seconds=1.0))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_level="critical", access_log=False)
    server = AnnouncingServer(config, announcement)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(announcement.exists)
    yield announcement.read_text()
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


def test_answers_pings(address: str, http: urllib3.PoolManager) -> None:
    assert http.request("GET", f"{address}/ping").status == 200


def test_tells_batch_transform_its_limits(address: str, http: urllib3.PoolManager) -> None:
    document = http.request("GET", f"{address}/execution-parameters").json()
    assert document.keys() == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}


def test_predicts(address: str, http: urllib3.PoolManager) -> None:
    answer = http.request("POST", f"{address}/invocations", body=b"25,a,1\n75,b,2\n", headers=CSV)
    assert (answer.status, answer.data) == (200, b"no\nyes\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_large_body_is_predicted_as_well(address: str, http: urllib3.PoolManager) -> None:
    body = b"75,b,2\n" * (INLINE_BYTES // 7 + 1)
    answer = http.request("POST", f"{address}/invocations", body=body, headers=CSV)
    assert answer.data == b"yes\n" * body.count(b"\n")


def test_answers_in_the_type_that_is_wanted(address: str, http: urllib3.PoolManager) -> None:
    headers = {**CSV, "accept": "application/json"}
    answer = http.request("POST", f"{address}/invocations", body=b"25,a,1", headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"predictions": [{"predicted_label": "no"}]}


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"1,2,3", {"content-type": "image/png"}, 415, "'image/png' is an unsupported content type."),
        (b"1,2,3", {**CSV, "accept": "image/png"}, 406, "Accept type 'image/png' is not supported."),
        (b"1,2", CSV, 400, "Expected number of columns is 3."),
        (b"", CSV, 400, "The request holds no row."),
        (b"x" * (LIMIT + 1), CSV, 413, f"The body is larger than {LIMIT} bytes."),
        (b"explode,1,2", CSV, 500, "The prediction failed; the model server's output tells why."),
    ],
)
def test_errors_are_a_line_of_text(
    address: str, http: urllib3.PoolManager, body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    answer = http.request("POST", f"{address}/invocations", body=body, headers=headers)
    assert (answer.status, answer.data.decode()) == (status, words)


def test_a_body_of_unknown_length_is_limited_too(address: str, http: urllib3.PoolManager) -> None:
    pieces = iter([b"x" * INLINE_BYTES] * 3)
    answer = http.request("POST", f"{address}/invocations", body=pieces, headers=CSV, chunked=True)
    assert answer.status == 413


def test_gives_custom_attributes_back(address: str, http: urllib3.PoolManager) -> None:
    headers = {**CSV, "x-amzn-sagemaker-custom-attributes": "trace=7"}
    answer = http.request("POST", f"{address}/invocations", body=b"25,a,1", headers=headers)
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "trace=7"


def test_does_not_wait_for_a_body_for_ever(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n25,")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_other_methods_and_paths_are_refused(address: str, http: urllib3.PoolManager) -> None:
    assert http.request("GET", f"{address}/invocations").status == 405
    assert http.request("GET", f"{address}/").status == 404
