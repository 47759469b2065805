"""The log stores keep what `LogStore` promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.service.ports import LogStore
from gyropilot.storage.logs_folder import FolderLogStore
from gyropilot.storage.logs_memory import MemoryLogStore
from gyropilot.testing.logs import LogStoreSuite


class TestMemoryLogStore(LogStoreSuite):
    @pytest.fixture
    def store(self) -> LogStore:
        return MemoryLogStore()


class TestFolderLogStore(LogStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LogStore:
        return FolderLogStore(tmp_path / "logs")
