"""The table of records as SQL sees it, and the statements of a query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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


MATCH_KEY = sa.and_(
    records.c.kind == sa.bindparam("key_kind"),
    records.c.parent_key == sa.bindparam("key_parent"),
    records.c.name_key == sa.bindparam("key_name"),
)
"""The condition that one record meets; `make_key` gives its parameters."""


def make_key(kind: type[Record], parent: str, name: str) -> dict[str, Any]:
    """Return the parameters of `MATCH_KEY`."""
    return {"key_kind": kind.kind, "key_parent": parent.casefold(), "key_name": name.casefold()}


def select_documents(kind: type[Record], query: Query) -> tuple[sa.Select[str], dict[str, Any]]:
    """Return the statement for a query's documents in its order, and its parameters."""
    parameters = _find_parameters(kind, query)
    names = frozenset(parameters)
    if query.limit is not None:
        parameters["limit"] = query.limit
    if query.after is not None:
        columns = _ORDERS[query.order_by]
        parameters |= zip(_AFTER, _write_position(query.after)[-len(columns) :], strict=False)
    has_limit, has_after = query.limit is not None, query.after is not None
    return _select_documents(names, query.order_by, query.descending, has_limit, has_after), parameters


def select_count(kind: type[Record], query: Query) -> tuple[sa.Select[int], dict[str, Any]]:
    """Return the statement for the number of a query's records, and its parameters."""
    parameters = _find_parameters(kind, query)
    return _select_count(frozenset(parameters)), parameters


_AFTER = ("after_1", "after_2", "after_3")
_CONDITIONS: Mapping[str, sa.ColumnElement[bool]] = {
    "kind": records.c.kind == sa.bindparam("kind"),
    "parent": records.c.parent_key == sa.bindparam("parent"),
    "name": records.c.name_key == sa.bindparam("name"),
    "states": records.c.state.in_(sa.bindparam("states", expanding=True)),
    "name_contains": records.c.name_key.like(sa.bindparam("name_contains"), escape="/"),
    "created_after": records.c.created_at > sa.bindparam("created_after"),
    "created_before": records.c.created_at < sa.bindparam("created_before"),
    "modified_after": records.c.modified_at > sa.bindparam("modified_after"),
    "modified_before": records.c.modified_at < sa.bindparam("modified_before"),
}
"""Which records a query selects: the condition of each parameter that it gives."""


@lru_cache(maxsize=1024)
def _select_documents(
    names: frozenset[str], order_by: str, descending: bool, has_limit: bool, has_after: bool
) -> sa.Select[str]:
    """Return a statement; the same one for the same form of a query, since making one takes longer than running it."""
    order = _ORDERS[order_by]
    statement = (
        sa.select(records.c.document)
        .where(*(_CONDITIONS[name] for name in sorted(names)))
        .order_by(*(column.desc() if descending else column.asc() for column in order))
    )
    if has_after:
        at, here = sa.tuple_(*order), sa.tuple_(*map(sa.bindparam, _AFTER[: len(order)]))
        statement = statement.where(at < here if descending else at > here)
    return statement.limit(sa.bindparam("limit", type_=sa.Integer)) if has_limit else statement


@lru_cache(maxsize=1024)
def _select_count(names: frozenset[str]) -> sa.Select[int]:
    conditions = (_CONDITIONS[name] for name in sorted(names))
    return sa.select(sa.func.count()).select_from(records).where(*conditions)


def _find_parameters(kind: type[Record], query: Query) -> dict[str, Any]:
    """Return the parameters of the conditions that a query sets."""
    given = {
        "kind": kind.kind,
        "parent": query.parent.casefold() or None,
        "name": query.name.casefold() or None,
        "states": sorted(query.states) or None,
        "name_contains": _contain(query.name_contains.casefold()) if query.name_contains else None,
        "created_after": query.created_after,
        "created_before": query.created_before,
        "modified_after": query.modified_after,
        "modified_before": query.modified_before,
    }
    return {
        name: _count_microseconds(value) if isinstance(value, datetime) else value
        for name, value in given.items()
        if value is not None
    }


def _contain(text: str) -> str:
    """Return the pattern of texts that contain this one."""
    escaped = re.sub(r"[%_/]", r"/\g<0>", text)
    return f"%{escaped}%"


def _write_position(position: Position) -> tuple[int | str, str, str]:
    value = position.value
    return _count_microseconds(value) if isinstance(value, datetime) else value, position.name, position.parent


def _count_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
