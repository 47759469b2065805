from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gyropilot.execution.model_client import HttpModelClient
from gyropilot.testing.threads import run_together

_SHORT_SECONDS = 0.1


@pytest.fixture
def client() -> Iterator[HttpModelClient]:
    client = HttpModelClient()
    yield client
    client.close()


class _Model(BaseHTTPRequestHandler):
    """Answers what it is asked to answer, and counts connections."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/invocations"
        self._answer(int(self.headers.get("X-Status", "200")), body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Asked-Type", self.headers.get("Content-Type", ""))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[str]:
    _Model.connections = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Model) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def _serve_connections(*behaviours: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server of raw sockets: the first connection meets the first behaviour, and so on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for behave in behaviours:
                connection, _ = listener.accept()
                with connection:
                    behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _receive_request(connection: socket.socket) -> bytes:
    """Read a whole request: what is left unread when a connection is closed makes it a reset."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    head, _, body = head.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return body


def test_invokes(client: HttpModelClient, model: str) -> None:
    body = bytes(range(256)) * 10_000
    answer = client.invoke(model, body, {"Content-Type": "text/csv"})
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["x-asked-type"] == "text/csv"


@pytest.mark.parametrize("status", [204, 302, 400, 500, 503])
def test_returns_any_status(client: HttpModelClient, model: str, status: int) -> None:
    body = b"" if status == 204 else b"reason"
    answer = client.invoke(model, body, {"X-Status": str(status)})
    assert (answer.status, answer.body) == (status, body)


def test_keeps_connections(client: HttpModelClient, model: str) -> None:
    for _ in range(5):
        client.invoke(model, b"x", {})
        assert client.is_ready(model)
    assert _Model.connections == 1


def test_threads_share_a_client(client: HttpModelClient, model: str) -> None:
    def invoke(number: int) -> bool:
        return all(client.invoke(model, b"%d" % number, {}).body == b"%d" % number for _ in range(20))

    assert all(run_together(invoke, 4))
    assert _Model.connections <= 4


def test_is_ready_only_with_200(client: HttpModelClient) -> None:
    def refuse(connection: socket.socket) -> None:
        _receive_request(connection)
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    with _serve_connections(refuse) as address:
        assert not client.is_ready(address)


def test_nobody_there(client: HttpModelClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert not client.is_ready(address)
    with pytest.raises(ConnectionError, match=address):
        client.invoke(address, b"x", {})


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"not HTTP at all\r\n\r\n"],
)
def test_an_answer_that_breaks_off(client: HttpModelClient, answer: bytes) -> None:
    """It is not asked for again: the model has seen the request."""

    def break_off(connection: socket.socket) -> None:
        _receive_request(connection)
        connection.sendall(answer)

    with _serve_connections(break_off) as address, pytest.raises(ConnectionError):
        client.invoke(address, b"x", {})


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
def test_an_answer_that_does_not_come(client: HttpModelClient, answer: bytes) -> None:
    given_up = threading.Event()

    def stall(connection: socket.socket) -> None:
        _receive_request(connection)
        connection.sendall(answer)
        given_up.wait()

    with _serve_connections(stall) as address:
        with pytest.raises(TimeoutError, match=r"within 0\.1 s"):
            client.invoke(address, b"x", {}, timeout_seconds=_SHORT_SECONDS)
        given_up.set()


def test_an_answer_that_trickles(client: HttpModelClient) -> None:
    """Each byte comes in time, but the whole answer does not."""
    given_up = threading.Event()

    def trickle(connection: socket.socket) -> None:
        _receive_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not given_up.wait(_SHORT_SECONDS / 5):
            connection.sendall(b"x")

    with _serve_connections(trickle) as address:
        with pytest.raises(TimeoutError):
            client.invoke(address, b"x", {}, timeout_seconds=_SHORT_SECONDS)
        given_up.set()


def test_a_kept_connection_that_the_server_closed(client: HttpModelClient) -> None:
    """It is replaced before anything is sent on it."""
    received: list[bytes] = []
    is_closed = threading.Event()

    def answer(connection: socket.socket) -> None:
        received.append(_receive_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def answer_and_close(connection: socket.socket) -> None:
        answer(connection)
        connection.close()
        is_closed.set()

    with _serve_connections(answer_and_close, answer) as address:
        assert client.invoke(address, b"first", {}).body == b"ok"
        is_closed.wait()
        assert client.invoke(address, b"second", {}).body == b"ok"
    assert received == [b"first", b"second"]
