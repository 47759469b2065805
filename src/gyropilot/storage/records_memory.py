"""Records in memory: for tests and for what need not outlive the process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gyropilot.service.errors import AlreadyExistsError, ConflictError, NotFoundError
from gyropilot.service.ports import Position, Query, position_of
from gyropilot.service.records import Record
from gyropilot.storage.record_documents import decode_record, encode_record

R = TypeVar("R", bound=Record)

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Row:
    """A record to select by and its document to answer with, so that callers share nothing mutable with the store."""

    record: Record
    document: bytes


class MemoryRecordStore:
    """A `RecordStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._rows: dict[_Key, _Row] = {}
        self._lock = threading.Lock()

    def insert(self, record: R) -> R:
        """Store a new record."""
        stored = replace(record, version=1)
        row = _Row(stored, encode_record(stored))
        key = _key(type(record), record.parent, record.name)
        with self._lock:
            if key in self._rows:
                raise AlreadyExistsError(record.kind, record.name)
            self._rows[key] = row
        return stored

    def get(self, kind: type[R], name: str, *, parent: str = "") -> R:
        """Return one record."""
        row = self._rows.get(_key(kind, parent, name))
        if row is None:
            raise NotFoundError(kind.kind, name)
        return decode_record(kind, row.document)

    def replace(self, record: R) -> R:
        """Store a changed record over the version it was read as."""
        stored = replace(record, version=record.version + 1)
        row = _Row(stored, encode_record(stored))
        key = _key(type(record), record.parent, record.name)
        with self._lock:
            before = self._rows.get(key)
            if before is None:
                raise NotFoundError(record.kind, record.name)
            if before.record.version != record.version:
                raise ConflictError(record.kind, record.name)
            self._rows[key] = row
        return stored

    def delete(self, kind: type[Record], name: str, *, parent: str = "") -> None:
        """Remove one record."""
        with self._lock:
            if self._rows.pop(_key(kind, parent, name), None) is None:
                raise NotFoundError(kind.kind, name)

    def find(self, kind: type[R], query: Query) -> Sequence[R]:
        """Return the records that the query selects."""
        rows = self._select(kind, query)
        placed = [(position_of(row.record, query.order_by), row.document) for row in rows]
        if query.after is not None:
            placed = [(at, document) for at, document in placed if _is_after(at, query.after, query.descending)]
        placed.sort(reverse=query.descending)
        return [decode_record(kind, document) for _, document in placed[: query.limit]]

    def count(self, kind: type[Record], query: Query) -> int:
        """Return how many records the query selects."""
        return len(self._select(kind, query))

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _select(self, kind: type[Record], query: Query) -> list[_Row]:
        with self._lock:
            rows = [row for key, row in self._rows.items() if key[0] == kind.kind]
        return [row for row in rows if _is_selected(row.record, query)]


def _key(kind: type[Record], parent: str, name: str) -> _Key:
    return kind.kind, parent.casefold(), name.casefold()


def _is_selected(record: Record, query: Query) -> bool:
    return (
        (not query.parent or record.parent.casefold() == query.parent.casefold())
        and (not query.name or record.name.casefold() == query.name.casefold())
        and (not query.states or record.state in query.states)
        and query.name_contains.casefold() in record.name.casefold()
        and (query.created_after is None or record.created_at > query.created_after)
        and (query.created_before is None or record.created_at < query.created_before)
        and (query.modified_after is None or record.modified_at > query.modified_after)
        and (query.modified_before is None or record.modified_at < query.modified_before)
    )


def _is_after(position: Position, other: Position, descending: bool) -> bool:
    return position < other if descending else position > other
