"""Tells the outside world of every change of a job's state, in order, at least once.

The changes lie in the job's record, stored together with the change itself, and so does how many of them were told: a
server that starts anew goes on where the last one stopped. Jobs never wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gyropilot.service.changes import change_record
from gyropilot.service.errors import NotFoundError
from gyropilot.service.ports import Clock, Query, RecordStore
from gyropilot.service.records import AutoMLJob

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
MAX_AGE = timedelta(hours=24)
"""How long a change is worth telling: as EventBridge has it."""
MAX_PAUSE_SECONDS = 300.0
OVERLAP = timedelta(minutes=1)
"""How far back each look goes beyond the one before: records are stored a little after the time they bear."""


class EventRefusedError(Exception):
    """The receiver does not want this event, and will not want it later either."""


class EventUndeliveredError(Exception):
    """The event did not arrive, or the receiver asks to try again."""


class EventSink(Protocol):
    """Where events go."""

    def send(self, event: bytes) -> None:
        """Deliver one event.

        Raises:
            EventRefusedError: when trying again is of no use.
            EventUndeliveredError: when it is.
        """
        ...


class Courier:
    """Brings the changes of all jobs to a sink, the oldest first; after a failure all of them wait.

    Args:
        records: where the jobs are.
        describe: writes the event for a job's change of this number.
        sink: where it goes.
        clock: gives the time.
    """

    def __init__(
        self, *, records: RecordStore, describe: Callable[[AutoMLJob, int], bytes], sink: EventSink, clock: Clock
    ) -> None:
        self._records = records
        self._describe = describe
        self._sink = sink
        self._clock = clock
        self._looked_at: datetime | None = None
        self._waiting: dict[str, AutoMLJob] = {}
        self._failures = 0

    def run(self, stopped: threading.Event) -> None:
        """Deliver until told to stop."""
        while not stopped.is_set():
            try:
                self.tick(stopped)
            except Exception:
                self._failures += 1
                log.exception("the courier could not go its round and goes on")
            stopped.wait(self.pause_seconds)

    @property
    def pause_seconds(self) -> float:
        """How long to wait until the next round: longer with every failure in a row."""
        return min(MAX_PAUSE_SECONDS, IDLE_SECONDS * 2.0 ** min(self._failures, 16))

    def tick(self, stopped: threading.Event | None = None) -> None:
        """Deliver what there is, until something cannot be delivered."""
        self._look()
        for _, name, number in self._line_up():
            if stopped is not None and stopped.is_set():
                return
            job = self._waiting[name]
            try:
                self._deliver(job, number)
            except EventUndeliveredError as error:
                self._failures += 1
                log.warning("an event of %s was not delivered, trying again: %s", name, error)
                return
            self._failures = 0
            self._mark(name, number + 1)

    def _look(self) -> None:
        """Find the jobs that have changes to be told."""
        now = self._clock()
        since = now - MAX_AGE if self._looked_at is None else self._looked_at - OVERLAP
        for job in self._records.find(AutoMLJob, Query(modified_after=since)):
            if job.announced < len(job.history):
                self._waiting[job.name] = job
        self._looked_at = now

    def _line_up(self) -> list[tuple[datetime, str, int]]:
        return sorted(
            (job.history[number].at.astimezone(UTC), name, number)
            for name, job in self._waiting.items()
            for number in range(job.announced, len(job.history))
        )

    def _deliver(self, job: AutoMLJob, number: int) -> None:
        if self._clock() - job.history[number].at > MAX_AGE:
            log.warning("an event of %s is given up: it could not be delivered within %s", job.name, MAX_AGE)
            return
        try:
            self._sink.send(self._describe(job, number))
        except EventRefusedError as error:
            log.warning("an event of %s is given up: %s", job.name, error)

    def _mark(self, name: str, told: int) -> None:
        """Remember in the record that so many changes were told; it is not a change of the job itself."""

        def count(job: AutoMLJob) -> AutoMLJob:
            return job if job.announced >= told else replace(job, announced=told)

        try:
            job = change_record(self._records, AutoMLJob, name, count)
        except NotFoundError:
            del self._waiting[name]
            return
        if job.announced < len(job.history):
            self._waiting[name] = job
        else:
            del self._waiting[name]
