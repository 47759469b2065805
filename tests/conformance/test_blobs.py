"""The blob stores keep what `BlobStore` promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gyropilot.service.ports import BlobStore, iterate_blobs
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.storage.blobs_s3 import open_s3
from gyropilot.testing.blobs import BlobStoreSuite
from tests.wire.installation import KEY, SECRET, run_installation


class TestMemoryBlobStore(BlobStoreSuite):
    @pytest.fixture
    def store(self) -> BlobStore:
        return MemoryBlobStore()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[BlobStore, BlobStore]]:
    """The objects of another Gyropilot, at hand and over HTTP."""
    with run_installation() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # as a shell has it that knows another server
        yield running.service.blobs, open_s3(running.url, "us-east-1")


class TestS3BlobStore(BlobStoreSuite):
    @pytest.fixture
    def store(self, elsewhere: tuple[BlobStore, BlobStore]) -> BlobStore:
        at_hand, over_http = elsewhere
        for bucket in at_hand.list_buckets():
            for blob in list(iterate_blobs(at_hand, bucket.name, "")):
                at_hand.delete(bucket.name, blob.key)
            at_hand.delete_bucket(bucket.name)
        return over_http


class TestFolderBlobStore(BlobStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FolderBlobStore(tmp_path / "blobs")
