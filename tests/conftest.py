from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgresql import PostgresqlServer, run_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    with run_postgresql() as server:
        yield server
