"""The record stores keep what `RecordStore` promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gyropilot.service.ports import RecordStore
from gyropilot.storage.records_memory import MemoryRecordStore
from gyropilot.storage.records_sql import SqlRecordStore
from gyropilot.testing.records import RecordStoreSuite
from tests.postgresql import PostgresqlServer


class TestMemoryRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self) -> RecordStore:
        return MemoryRecordStore()


class TestSqliteRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[RecordStore]:
        store = SqlRecordStore(f"sqlite:///{tmp_path / 'records.db'}")
        yield store
        store.close()


class TestPostgresqlRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self, postgresql: PostgresqlServer) -> Iterator[RecordStore]:
        store = SqlRecordStore(postgresql.make_schema())
        yield store
        store.close()
