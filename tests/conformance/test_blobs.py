"""The blob stores keep what `BlobStore` promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.service.ports import BlobStore
from gyropilot.storage.blobs_folder import FolderBlobStore
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.testing.blobs import BlobStoreSuite


class TestMemoryBlobStore(BlobStoreSuite):
    @pytest.fixture
    def store(self) -> BlobStore:
        return MemoryBlobStore()


class TestFolderBlobStore(BlobStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FolderBlobStore(tmp_path / "blobs")
