"""The header reader keeps what `HeaderReader` promises, over every blob store."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.service.ports import BlobStore, HeaderReader
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.storage.headers import StoredHeaderReader
from gyropilot.testing.headers import HeaderReaderSuite


class TestHeadersInMemory(HeaderReaderSuite):
    @pytest.fixture
    def blobs(self) -> BlobStore:
        return MemoryBlobStore()

    @pytest.fixture
    def reader(self, blobs: BlobStore) -> HeaderReader:
        return StoredHeaderReader(blobs)


class TestHeadersInFolder(HeaderReaderSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        return FolderBlobStore(tmp_path / "blobs")

    @pytest.fixture
    def reader(self, blobs: BlobStore) -> HeaderReader:
        return StoredHeaderReader(blobs)
