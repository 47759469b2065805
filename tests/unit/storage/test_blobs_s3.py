"""What an S3 elsewhere may answer that another Gyropilot never does."""

from __future__ import annotations

import io
import socket

import pytest

from gyropilot.service.errors import BlobStoreError
from gyropilot.storage.blobs_s3 import open_s3
from gyropilot.storage.s3_errors import translate_errors
from tests.wire.installation import KEY, run_installation


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def test_a_refusal_tells_what_was_asked_and_why() -> None:
    with run_installation() as running:
        store = open_s3(running.url, "us-east-1")
        with pytest.raises(BlobStoreError, match=r"PutObject of s3://some-bucket/a: .*SignatureDoesNotMatch"):
            store.put("some-bucket", "a", io.BytesIO(b"x"))


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # not listening: connections are refused
        store = open_s3(f"http://127.0.0.1:{unused.getsockname()[1]}", "us-east-1")
        with pytest.raises(BlobStoreError, match=r"cannot be asked about s3://some-bucket/a"):
            store.put("some-bucket", "a", io.BytesIO(b"x"))


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translate_errors("some-bucket"):
        _ = 1 / 0
