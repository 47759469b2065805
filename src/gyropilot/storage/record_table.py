"""The table of records as SQL sees it, and the statements of a query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gyropilot.service.ports import Position, Query
from gyropilot.service.records import Record
from gyropilot.storage.record_documents import encode_record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

records = sa.table(
    "records",
    sa.column("kind", sa.Text),
    sa.column("parent_key", sa.Text),
    sa.column("name_key", sa.Text),
    sa.column("name", sa.Text),
    sa.column("parent", sa.Text),
    sa.column("state", sa.Text),
    sa.column("created_at", sa.BigInteger),
    sa.column("modified_at", sa.BigInteger),
    sa.column("version", sa.BigInteger),
    sa.column("document", sa.Text),
)
"""Keys are case-folded in Python, since databases fold only some letters; times are microseconds since 1970."""

_TIES = (records.c.name_key, records.c.parent_key)
_ORDERS = {
    "created_at": (records.c.created_at, *_TIES),
    "modified_at": (records.c.modified_at, *_TIES),
    "name": _TIES,  # a column that is named twice would keep SQLite from its index
    "state": (records.c.state, *_TIES),
}


def make_row(record: Record) -> dict[str, Any]:
    """Return a record's columns."""
    return {
        "kind": record.kind,
        "parent_key": record.parent.casefold(),
        "name_key": record.name.casefold(),
        "name": record.name,
        "parent": record.parent,
        "state": record.state,
        "created_at": _count_microseconds(record.created_at),
        "modified_at": _count_microseconds(record.modified_at),
        "version": record.version,
        "document": encode_record(record).decode(),
    }


def match_key(kind: type[Record], parent: str, name: str) -> sa.ColumnElement[bool]:
    """Return the condition that one record meets."""
    return sa.and_(
        records.c.kind == kind.kind,
        records.c.parent_key == parent.casefold(),
        records.c.name_key == name.casefold(),
    )


def select_documents(kind: type[Record], query: Query) -> sa.Select[str]:
    """Return the statement for a query's documents in its order."""
    order = _ORDERS[query.order_by]
    statement = (
        sa.select(records.c.document)
        .where(*_match_query(kind, query))
        .order_by(*(column.desc() if query.descending else column.asc() for column in order))
    )
    if query.after is not None:
        at, here = sa.tuple_(*order), sa.tuple_(*map(sa.literal, _write_position(query.after)[-len(order) :]))
        statement = statement.where(at < here if query.descending else at > here)
    return statement if query.limit is None else statement.limit(query.limit)


def select_count(kind: type[Record], query: Query) -> sa.Select[int]:
    """Return the statement for the number of a query's records."""
    return sa.select(sa.func.count()).select_from(records).where(*_match_query(kind, query))


def _match_query(kind: type[Record], query: Query) -> list[sa.ColumnElement[bool]]:
    columns = records.c
    conditions = [columns.kind == kind.kind]
    if query.parent:
        conditions.append(columns.parent_key == query.parent.casefold())
    if query.name:
        conditions.append(columns.name_key == query.name.casefold())
    if query.states:
        conditions.append(columns.state.in_(sorted(query.states)))
    if query.name_contains:
        conditions.append(columns.name_key.contains(query.name_contains.casefold(), autoescape=True))
    for column, after, before in (
        (columns.created_at, query.created_after, query.created_before),
        (columns.modified_at, query.modified_after, query.modified_before),
    ):
        if after is not None:
            conditions.append(column > _count_microseconds(after))
        if before is not None:
            conditions.append(column < _count_microseconds(before))
    return conditions


def _write_position(position: Position) -> tuple[int | str, str, str]:
    value = position.value
    return _count_microseconds(value) if isinstance(value, datetime) else value, position.name, position.parent


def _count_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
