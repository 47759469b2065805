from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.senders import Load, Plan, read_status, send

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        return


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield "127.0.0.1", server.server_port
        server.shutdown()


def test_an_answer_is_whole_when_its_body_is() -> None:
    answer = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 5\r\n\r\nhello"
    assert [read_status(answer[:length]) for length in (0, 10, len(answer) - 1, len(answer))] == [None, None, None, 200]


def test_every_request_at_its_moment_is_answered(address: tuple[str, int]) -> None:
    plan = Plan(seconds=0.5, seed=1, rate=100)
    load = send(address, [REQUEST], 2, plan, begins_at=0)
    assert load.statuses == {200: len(list(plan.moments()))}
    assert len(load.latencies) == load.statuses[200]
    assert load.check() is load


def test_a_full_load_lasts_as_long_as_it_is_told(address: tuple[str, int]) -> None:
    load = send(address, [REQUEST], 2, Plan(seconds=0.2, seed=1), begins_at=0)
    assert load.seconds >= 0.2
    assert load.rate > 0


def test_a_refusal_is_no_measurement(address: tuple[str, int]) -> None:
    load = send(address, [REQUEST.replace(b"/ ", b"/none ")], 1, Plan(seconds=0.1, seed=1), begins_at=0)
    with pytest.raises(RuntimeError, match="404"):
        load.check()


def test_quantiles() -> None:
    load = Load(seconds=2, latencies=[number / 1000 for number in range(100)])
    assert (load.quantile_ms(0.5), load.quantile_ms(0.99), load.rate) == (50, 99, 50)
