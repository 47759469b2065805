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
_CONNECTIONS = 16
"""Files that stay open for the threads that come next; opening one takes longer than reading a record."""
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
        """Give a connection for reading; each statement sees one state of the database."""
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


def locate_sqlite(path: Path) -> sa.URL:
    """Return the URL of a file, whatever characters its path has: written out, some would begin the URL's options."""
    return sa.URL.create("sqlite", database=str(path))


def open_database(url: str | sa.URL) -> Database:
    """Open a database and bring its tables up to date.

    Raises:
        ValueError: when the URL names no database that records can be kept in, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("the database URL must be of the form postgresql+psycopg://user@host/database") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed)
    if backend == "postgresql":
        return _open_postgresql(parsed)
    raise ValueError(f"the database URL must begin with postgresql+psycopg:// or sqlite:///, not {backend}://")


def _open_postgresql(url: sa.URL) -> Database:
    if url.drivername == "postgresql":  # whichever driver SQLAlchemy would take by itself, ours is this one
        url = url.set(drivername="postgresql+psycopg")
    try:
        # A server that was started anew is noticed before a connection is used, not by a request that fails.
        engine = sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"the database URL needs the module {error.name}: install gyropilot with the extra postgresql"
        ) from None
    database = Database(engine, nullcontext())
    with _closed_after_failure(database), database.write() as connection:
        # Held until the tables are there: of programs that start at once one makes them.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        upgrade_schema(connection)
    return database


def _open_sqlite(url: sa.URL) -> Database:
    if not url.database or url.database == ":memory:":
        raise ValueError(f"{url!r} names no file; use MemoryRecordStore for records that need not last")
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, pool_size=_CONNECTIONS, max_overflow=-1)
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
    # A reader sends one statement, which sees one state of the database by itself.
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
