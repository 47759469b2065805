"""Changing a record that others may change at the same time."""

from __future__ import annotations

from collections.abc import Callable

from gyropilot.service.errors import ConflictError
from gyropilot.service.ports import R, RecordStore

ATTEMPTS = 50


def change_record(records: RecordStore, kind: type[R], name: str, change: Callable[[R], R], *, parent: str = "") -> R:
    """Read a record, change it and store it, again from the start while somebody else comes between.

    Args:
        records: where the record is kept.
        kind: its class.
        name: its name.
        change: returns the changed record, or the same object when there is nothing to change; may be called again.
        parent: its parent's name.

    Raises:
        NotFoundError: when there is no such record.
        ConflictError: when others kept coming between.
        Exception: whatever `change` raises; nothing is stored then.
    """
    for attempt in range(ATTEMPTS):
        record = records.get(kind, name, parent=parent)
        changed = change(record)
        if changed is record:
            return record
        try:
            return records.replace(changed)
        except ConflictError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
