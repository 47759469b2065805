"""Records in an SQL database: SQLite for one machine, PostgreSQL for several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa

from gyropilot.service.errors import AlreadyExistsError, ConflictError, NotFoundError
from gyropilot.service.ports import Query
from gyropilot.service.records import Record
from gyropilot.storage.databases import open_database
from gyropilot.storage.record_documents import decode_record
from gyropilot.storage.record_table import MATCH_KEY, make_key, make_row, records, select_count, select_documents

R = TypeVar("R", bound=Record)

_GET = sa.select(records.c.document).where(MATCH_KEY)
_INSERT = sa.insert(records)
_REPLACE = (
    sa.update(records)
    .where(MATCH_KEY, records.c.version == sa.bindparam("read_version"))
    .values({column: sa.bindparam(column.name) for column in records.c})
)
_DELETE = sa.delete(records).where(MATCH_KEY)


class SqlRecordStore:
    """A `RecordStore` in a database that SQLAlchemy reaches; opening it brings the tables up to date."""

    def __init__(self, url: str | sa.URL) -> None:
        self._database = open_database(url)

    def insert(self, record: R) -> R:
        """Store a new record."""
        stored = replace(record, version=1)
        row = make_row(stored)
        try:
            with self._database.write() as connection:
                connection.execute(_INSERT, row)
        except sa.exc.IntegrityError:
            raise AlreadyExistsError(record.kind, record.name) from None
        return stored

    def get(self, kind: type[R], name: str, *, parent: str = "") -> R:
        """Return one record."""
        with self._database.read() as connection:
            document = connection.scalar(_GET, make_key(kind, parent, name))
        if document is None:
            raise NotFoundError(kind.kind, name)
        return decode_record(kind, document)

    def replace(self, record: R) -> R:
        """Store a changed record over the version it was read as."""
        stored = replace(record, version=record.version + 1)
        row = make_row(stored)
        key = make_key(type(record), record.parent, record.name)
        with self._database.write() as connection:
            changed = connection.execute(_REPLACE, {**key, "read_version": record.version, **row}).rowcount
            if not changed and connection.scalar(_GET, key) is None:
                raise NotFoundError(record.kind, record.name)
        if not changed:
            raise ConflictError(record.kind, record.name)
        return stored

    def delete(self, kind: type[Record], name: str, *, parent: str = "") -> None:
        """Remove one record."""
        with self._database.write() as connection:
            if not connection.execute(_DELETE, make_key(kind, parent, name)).rowcount:
                raise NotFoundError(kind.kind, name)

    def find(self, kind: type[R], query: Query) -> Sequence[R]:
        """Return the records that the query selects."""
        with self._database.read() as connection:
            statement, parameters = select_documents(kind, query)
            documents = connection.scalars(statement, parameters).all()
        return [decode_record(kind, document) for document in documents]

    def count(self, kind: type[Record], query: Query) -> int:
        """Return how many records the query selects."""
        with self._database.read() as connection:
            statement, parameters = select_count(kind, query)
            return connection.scalars(statement, parameters).one()

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()
