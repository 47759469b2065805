"""Results as JSON lines: each is on disk as soon as it is there, so that an interrupted benchmark goes on."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one result is of: a system on a data set."""

    data: str
    system: str
    budget_seconds: float
    seed: int
    cores: int
    weighted: bool


@dataclass(frozen=True, kw_only=True)
class Record:
    """How a run went; the figures of a failed one are None but for those taken from outside."""

    run: Run
    metric: str
    measured_at: str
    wall_seconds: float
    """Of the whole process: imports, fit, predictions."""
    peak_memory_bytes: int
    failure: str = ""
    """Why it failed, with its last words; empty: it did not."""
    version: str = ""
    error: float | None = None
    """The less the better."""
    fit_seconds: float | None = None
    """From the loaded table to a model that can predict."""
    first_model_seconds: float | None = None
    """From the loaded table to the first model, of a system that tells."""
    one_row_seconds: float | None = None
    many_rows_seconds: float | None = None
    """Of 10,000 rows at once."""
    model_bytes: int | None = None
    models: int | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)
    """When a search was better than before: `seconds`, `trials`, `validation` and `error`."""
    machine: dict[str, Any] | None = None

    @property
    def overrun_seconds(self) -> float | None:
        """Seconds of fit beyond the budget; none are 0."""
        return None if self.fit_seconds is None else max(0.0, self.fit_seconds - self.run.budget_seconds)


def append_record(path: Path, record: Record) -> None:
    """Add a line in one write and wait until the disk has it; a line that was cut short before is closed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
    if path.exists() and path.read_bytes()[-1:] not in {b"", b"\n"}:
        line = b"\n" + line
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_records(path: Path) -> dict[Run, Record]:
    """Return the last record of every run; lines that were cut short are left out."""
    records: dict[Run, Record] = {}
    if not path.exists():
        return records
    known = {field.name for field in fields(Record)}
    for line in path.read_bytes().splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        document["run"] = Run(**document["run"])
        record = Record(**{name: value for name, value in document.items() if name in known})
        records[record.run] = record
    return records
