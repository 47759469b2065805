"""Times a long object on its way into the store and back, next to a copy of the file to the same disk."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.programs import running_server
from benchmarks.senders import read_status
from gyropilot.sdk import Session

BUCKET, KEY = "benchmark", "long/object"
ROUNDS = 3
COPY_BYTES = 1 << 20
READ_BYTES = 1 << 20


def measure_objects(home: Path, size: int) -> dict[str, Any]:
    """Return MB/s of each way, the median of some rounds in turn; what is read is compared once."""
    source = home / "source"
    _write_random(source, size)
    with running_server(home / "state") as server:
        session = Session(endpoint_url=server.endpoint_url, home=home / "state")
        s3 = session.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        ways = _list_ways(s3, source, home / "state" / "copy")
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, go in ways.items():
                began_at = time.perf_counter()
                go()
                seconds[way].append(time.perf_counter() - began_at)
        _check_same(s3, source)
    speeds = {way: round(size / 1e6 / statistics.median(each), 1) for way, each in seconds.items()}
    return {
        "mib": size >> 20,
        "speeds": speeds,
        "seconds": {way: [round(s, 3) for s in each] for way, each in seconds.items()},
    }


def _list_ways(s3: Any, source: Path, target: Path) -> dict[str, Callable[[], None]]:
    def copy() -> None:
        with source.open("rb") as content, target.open("wb") as file:
            shutil.copyfileobj(content, file, COPY_BYTES)
            file.flush()
            os.fsync(file.fileno())
        target.unlink()

    def put() -> None:
        with source.open("rb") as content:
            s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)

    def get() -> None:
        content = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"]
        while content.read(READ_BYTES):
            pass

    return {
        "copy of the file": copy,
        "PutObject over a socket": lambda: _put_over_socket(s3, source),
        "PutObject with boto3": put,
        "upload_file": lambda: s3.upload_file(str(source), BUCKET, KEY),
        "GetObject over a socket": lambda: _get_over_socket(s3),
        "GetObject with boto3": get,
    }


def _put_over_socket(s3: Any, source: Path) -> None:
    """Store the object with a presigned address and the kernel's own way from file to socket."""
    url = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": KEY}))
    with socket.create_connection((str(url.hostname), int(url.port or 80))) as connection, source.open("rb") as content:
        size = source.stat().st_size
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        connection.sendfile(content)
        received = b""
        while (status := read_status(received)) is None:
            received += connection.recv(READ_BYTES)
    if status != 200:  # HTTP: OK
        raise RuntimeError(f"answered {received!r}")


def _get_over_socket(s3: Any) -> None:
    """Read the object with a presigned address, and throw it away."""
    url = urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY}))
    with socket.create_connection((str(url.hostname), int(url.port or 80))) as connection:
        connection.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(READ_BYTES)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        left, buffer = int(length[15:]) - len(body), bytearray(READ_BYTES)
        while left:
            count = connection.recv_into(buffer)
            if not count:
                raise RuntimeError(f"the answer ended {left} bytes too early: {head!r}")
            left -= count


def _write_random(path: Path, size: int) -> None:
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for number in range(size >> 20):
            file.write(number.to_bytes(8, "big") + block[8:])


def _check_same(s3: Any, source: Path) -> None:
    content = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"]
    with source.open("rb") as file:
        while expected := file.read(READ_BYTES):
            if content.read(len(expected)) != expected:
                raise RuntimeError("the object that was read is not the one that was stored")
