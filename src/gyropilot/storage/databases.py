"""Opens databases so that they are durable and shared well, each kind in its own way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gyropilot.storage.locks import hold_lock
from gyropilot.storage.migrations import upgrade_schema

_BUSY_SECONDS = 10.0
_MIGRATION_LOCK = 8_437_000_001
"""Any number that is ours: PostgreSQL's advisory locks are numbers."""


class Database:
    """An engine with two kinds of transactions."""

    def __init__(self, engine: sa.Engine, write_lock: AbstractContextManager[Any]) -> None:
        self._reading = engine.execution_options(writes=False)
        self._writing = engine.execution_options(writes=True)
        self._write_lock = write_lock

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the database."""
        with self._reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection whose changes happen together at the end, or not at all after an error."""
        with self._write_lock, self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._writing.dispose()


def open_database(url: str) -> Database:
    """Open a database and bring its tables up to date."""
    parsed = sa.make_url(url)
    return _open_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _open_server(parsed)


def _open_server(url: sa.URL) -> Database:
    database = Database(sa.create_engine(url, pool_pre_ping=True), nullcontext())
    with _closed_after_failure(database), database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        upgrade_schema(connection)
    return database


def _open_sqlite(url: sa.URL) -> Database:
    if not url.database or url.database == ":memory:":
        raise ValueError(f"{url!r} names no file; use MemoryRecordStore for records that need not last")
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    sa.event.listen(engine, "connect", _set_up_sqlite_connection)
    sa.event.listen(engine, "begin", _begin_sqlite)
    # Threads of one process wait here: SQLite's own waiting sleeps and tries again, which is slow and unfair.
    database = Database(engine, threading.Lock())
    # The lock is for the very first opening: SQLite changes a file to write-ahead logging only while nobody reads it.
    lock = hold_lock(Path(f"{url.database}.lock"))
    with _closed_after_failure(database), lock, database.write() as connection:
        upgrade_schema(connection)
    return database


@contextmanager
def _closed_after_failure(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


def _set_up_sqlite_connection(connection: Any, _record: object) -> None:
    # The driver begins no transactions on its own then; `_begin_sqlite` does.
    connection.isolation_level = None
    # Readers and the writer do not wait for each other in this mode.
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL, because with NORMAL the last transactions before a power cut are lost, and a write is durable on return.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at once: one that has read first cannot wait for it, SQLite would refuse it.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
