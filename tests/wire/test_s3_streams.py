"""Long objects: they are written and read piece by piece, and what is wrong with them is seen before they are there."""

from __future__ import annotations

import hashlib
import http.client
import io
import random
import socket
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gyropilot.server import http as edge
from gyropilot.storage.blobs_folder import FolderBlobStore
from tests.wire.installation import KEY, SECRET, Installation

CONTENT = random.Random(3).randbytes(5_000_001)
CRC = b64encode(zlib.crc32(CONTENT).to_bytes(4, "big")).decode()


@pytest.fixture(scope="module")
def s3(installation: Installation) -> Any:
    client = installation.client("s3")
    client.create_bucket(Bucket="long")
    return client


@pytest.fixture(autouse=True)
def _nothing_is_spooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A body that is longer than what is kept in memory would go to the disk before it is looked at."""
    opened: list[Any] = []

    def open_and_note(**options: Any) -> Any:
        opened.append(SpooledTemporaryFile(**options))  # noqa: SIM115  # the server closes it
        return opened[-1]

    monkeypatch.setattr(edge, "SpooledTemporaryFile", open_and_note)
    yield
    assert not any(getattr(file, "_rolled", False) for file in opened)


def send(installation: Installation, body: bytes, *, secret: str = SECRET, payload: str = "", **headers: str) -> int:
    """PUT a body with these headers, signed, and return the status."""
    url = f"{installation.url}/long/sent"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("PUT", url, named)
    declared = payload or hashlib.sha256(CONTENT).hexdigest()
    signer = S3SigV4Auth(Credentials(KEY, secret), "s3", "us-east-1")
    signer.payload = lambda request: declared  # type: ignore[method-assign]
    signer.add_auth(request)
    connection = http.client.HTTPConnection(installation.url.removeprefix("http://"), timeout=60)
    try:
        connection.request("PUT", "/long/sent", body, dict(request.headers.items()))
        return connection.getresponse().status
    finally:
        connection.close()


def chunk(content: bytes, size: int, trailer: str) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + f"0\r\n{trailer}\r\n\r\n".encode()


def is_there(s3: Any) -> bool:
    listed = s3.list_objects_v2(Bucket="long", Prefix="sent").get("Contents", [])
    s3.delete_object(Bucket="long", Key="sent")
    return bool(listed)


def test_a_long_object_comes_back(s3: Any) -> None:
    put = s3.put_object(Bucket="long", Key="object", Body=io.BytesIO(CONTENT))
    got = s3.get_object(Bucket="long", Key="object")
    assert (put["ChecksumCRC32"], got["ChecksumCRC32"]) == (CRC, CRC)
    assert got["Body"].read() == CONTENT


def test_a_body_that_is_not_the_signed_one_is_not_stored(installation: Installation, s3: Any) -> None:
    assert send(installation, CONTENT) == 200
    assert is_there(s3)
    assert send(installation, CONTENT[:-1] + b"?") == 400
    assert send(installation, CONTENT, secret="wrong") == 403
    assert send(installation, CONTENT, x_amz_checksum_crc32="AAAAAA==") == 400
    assert not is_there(s3)


@pytest.mark.parametrize("size", [1 << 16, 100_003, 3_000_000])
def test_chunks_are_decoded_as_they_come(installation: Installation, s3: Any, size: int) -> None:
    headers = {
        "payload": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content_encoding": "aws-chunked",
        "x_amz_decoded_content_length": str(len(CONTENT)),
        "x_amz_trailer": "x-amz-checksum-crc32",
    }
    assert send(installation, chunk(CONTENT, size, f"x-amz-checksum-crc32:{CRC}"), **headers) == 200
    assert s3.get_object(Bucket="long", Key="sent")["Body"].read() == CONTENT
    assert is_there(s3)
    for body in (
        chunk(CONTENT, size, "x-amz-checksum-crc32:AAAAAA=="),
        chunk(CONTENT, size, ""),
        chunk(CONTENT[:-1], size, f"x-amz-checksum-crc32:{CRC}"),
        chunk(CONTENT, size, f"x-amz-checksum-crc32:{CRC}")[:-30],
    ):
        assert send(installation, body, **headers) == 400
    assert not is_there(s3)


def test_a_refusal_does_not_wait_for_the_body(installation: Installation) -> None:
    host, _, port = installation.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"PUT /long/sent HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 403"


def test_a_client_that_goes_away_leaves_nothing(installation: Installation, s3: Any, tmp_path: Path) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "long", "Key": "sent"})
    target = url.removeprefix(installation.url)
    host, _, port = installation.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"PUT {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
        connection.sendall(head.encode() + CONTENT[: len(CONTENT) // 2])
    assert not is_there(s3)


def test_a_failed_upload_leaves_no_file(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    store = FolderBlobStore(tmp_path)
    store.create_bucket("long")
    with pytest.raises(ConnectionResetError):
        store.put("long", "sent", Broken())
    assert list((tmp_path / "temporary").iterdir()) == []
