"""Keeps the parts of tuning: begun and ended by the worker, and ended with their job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from gyropilot.service.changes import change_record
from gyropilot.service.errors import AlreadyExistsError, NotFoundError
from gyropilot.service.ports import Clock, LogLine, LogStore, Query, RecordStore
from gyropilot.service.records import AutoMLJob
from gyropilot.service.states import JobStatus
from gyropilot.service.tuning_records import TUNING_PARTS, TuningPart

P = TypeVar("P", bound=TuningPart)


class TuningParts:
    """Shows the parts of jobs of tuning, and keeps what their workers report."""

    def __init__(self, *, records: RecordStore, logs: LogStore, clock: Clock) -> None:
        self._records = records
        self._logs = logs
        self._clock = clock

    def get(self, kind: type[P], name: str) -> P:
        """Return the part of this kind and name, whichever job it belongs to: its name follows from the job's.

        Raises:
            NotFoundError: when there is none.
        """
        found = self._records.find(kind, Query(name=name, order_by="name", limit=1))
        if not found:
            raise NotFoundError(kind.kind, name)
        return found[0]

    def find(self, kind: type[P], query: Query) -> Sequence[P]:
        """Return the parts that the query selects."""
        return self._records.find(kind, query)

    def report(self, job: AutoMLJob, part: TuningPart) -> None:
        """Store a new part, which gets the job's tags; one that is there already stays as it is."""
        try:
            self._records.insert(replace(part, tags=job.tags))
        except AlreadyExistsError:
            return

    def complete(self, job: str, kind: type[TuningPart], name: str) -> None:
        """Bring a part to its end; one that has ended stays as it is."""
        self._end(job, kind, name, JobStatus.COMPLETED)

    def end_open(self, job: AutoMLJob) -> None:
        """Let all parts that have not ended end like their job."""
        states = frozenset({JobStatus.IN_PROGRESS.value})
        for kind in TUNING_PARTS:
            for part in self._records.find(kind, Query(parent=job.name, states=states)):
                self._end(job.name, kind, part.name, job.status, job.failure_reason)

    def log(self, kind: type[TuningPart], name: str, messages: Iterable[str]) -> None:
        """Add lines to the log of a part, or of a candidate as a training job."""
        now = self._clock()
        lines = [LogLine(at=now, message=message) for message in messages]
        self._logs.append(kind.log_group, f"{name}/algo-1", lines)

    def _end(self, job: str, kind: type[P], name: str, status: JobStatus, reason: str = "") -> None:
        def end(part: P) -> P:
            if part.status.is_finished:
                return part
            now = self._clock()
            return replace(part, status=status, ended_at=now, modified_at=now, failure_reason=reason)

        change_record(self._records, kind, name, end, parent=job)
