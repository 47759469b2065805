"""Clients that take their time, and those that send too much: they cost the others nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from gyropilot.server import patience
from tests.wire.installation import Installation, run_installation

HEAD = b"POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: SageMaker.ListModels\r\n"
MIB = 1 << 20


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A server that waits for a second instead of half a minute."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(patience, "BODY_SECONDS", 1.0)
    with run_installation() as installation:
        yield installation


@contextmanager
def connected(installation: Installation) -> Iterator[socket.socket]:
    address = urllib3.util.parse_url(installation.url)
    with socket.create_connection((str(address.host), int(address.port or 0)), timeout=60) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.mark.parametrize(
    "begun",
    [
        b"POST / HT",
        HEAD,
        HEAD + b"content-length: 100\r\n\r\n",
        HEAD + b"content-length: 100\r\n\r\n{",
        HEAD + b"transfer-encoding: chunked\r\n\r\n",
    ],
)
def test_a_request_that_does_not_go_on_is_refused(hasty: Installation, begun: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(begun)
        assert read_all(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_connection_without_a_request_is_closed(hasty: Installation) -> None:
    with connected(hasty) as connection:
        assert read_all(connection) == b""


def test_the_second_request_of_a_connection_is_waited_for_no_longer(hasty: Installation) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"GET /_gyropilot/health HTTP/1.1\r\nhost: localhost\r\n\r\nGET /_gy")
        answers = read_all(connection)
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408 Request Timeout" in answers


def test_many_slow_clients_keep_nobody_waiting(hasty: Installation) -> None:
    held = []
    for _ in range(150):
        manager = connected(hasty)
        held.append((manager, manager.__enter__()))
        held[-1][1].sendall(HEAD + b"content-length: 100\r\n\r\n{")
    try:
        assert hasty.client("sts").get_caller_identity()["Account"] == "000000000000"
    finally:
        for manager, _ in held:
            manager.__exit__(None, None, None)


def test_a_body_is_taken_as_long_as_enough_of_it_comes(hasty: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at all the time, and nothing is enough."""
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.001)
    monkeypatch.setattr(patience, "LEAST_BYTES", 0)
    s3 = hasty.client("s3")
    s3.create_bucket(Bucket="slow")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "slow", "Key": "k"})
    path = url.partition(hasty.url)[2]
    with connected(hasty) as connection:
        connection.sendall(
            f"PUT {path} HTTP/1.1\r\nhost: {hasty.url[7:]}\r\ncontent-length: {4 * MIB}\r\n\r\n".encode()
        )
        for _ in range(64):
            connection.sendall(bytes(MIB // 16))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert s3.head_object(Bucket="slow", Key="k")["ContentLength"] == 4 * MIB


@pytest.mark.parametrize("framing", [b"content-length: 20000000\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"])
def test_a_body_that_is_too_long_is_refused_while_it_comes(installation: Installation, framing: bytes) -> None:
    piece = b"100000\r\n" + bytes(MIB) + b"\r\n" if b"chunked" in framing else bytes(MIB)
    with connected(installation) as connection:
        connection.sendall(HEAD + framing)
        answer = send_until_answered(connection, piece)
    assert answer.startswith(b"HTTP/1.1 413")


def send_until_answered(connection: socket.socket, piece: bytes) -> bytes:
    connection.setblocking(False)
    waiting = memoryview(piece)
    while True:
        try:
            return connection.recv(1 << 16)
        except BlockingIOError:
            pass
        try:
            waiting = waiting[connection.send(waiting) :] or memoryview(piece)
        except BlockingIOError:
            continue
