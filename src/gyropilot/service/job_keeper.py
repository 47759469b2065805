"""What all kinds of jobs have in common: a worker's lease, progress, stops and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from gyropilot.service.changes import change_record
from gyropilot.service.errors import AlreadyExistsError, InvalidMoveError, NotFoundError
from gyropilot.service.ports import Clock, LogLine, LogStore, Query, RecordStore
from gyropilot.service.records import Job, Lease, StateChange
from gyropilot.service.states import JOB_MOVES, JobStatus, JobStep

J = TypeVar("J", bound=Job)

OPEN_STATES = frozenset(status.value for status in JobStatus if not status.is_finished)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended."""

    status: JobStatus
    """A final status."""
    step: JobStep
    """How, in one word."""
    failure_reason: str = ""
    """Why it failed."""


class LeaseLostError(Exception):
    """The worker's claim lapsed and another worker may have the job: stop writing at once."""


class JobKeeper(Generic[J]):
    """Shows, stops and lists the jobs of one kind, and keeps what their workers report. A kind adds how it is made."""

    kind: ClassVar[type[Job]]
    """The records it keeps."""
    log_group: ClassVar[str]
    """The log group of its jobs."""

    def __init__(
        self, *, records: RecordStore, logs: LogStore, clock: Clock, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._records = records
        self._logs = logs
        self._clock = clock
        self._wake = wake

    # --- what callers ask for -----------------------------------------------------------------------------------------

    def get(self, name: str) -> J:
        """Return a job.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(self._kind, name)

    def find(self, query: Query) -> Sequence[J]:
        """Return the jobs that the query selects."""
        return self._records.find(self._kind, query)

    def stop(self, name: str) -> J:
        """Ask a job to end; stopping twice is no error.

        Raises:
            NotFoundError: when there is no such job.
            InvalidMoveError: when it has ended.
        """

        def ask(job: J) -> J:
            if job.status is JobStatus.STOPPING:
                return job
            return _with_history(self._moved(job, JobStatus.STOPPING, JobStep.STOPPING))

        stopped = change_record(self._records, self._kind, name, ask)
        self._wake()
        return stopped

    # --- what the worker reports --------------------------------------------------------------------------------------

    def claim(self, name: str, owner: str, lease_seconds: float) -> J | None:
        """Take a job up for a worker; None when it has ended or another worker holds it."""
        claimed = False

        def take(job: J) -> J:
            nonlocal claimed
            now = self._clock()
            is_free = job.lease is None or job.lease.expires_at <= now or job.lease.owner == owner
            claimed = is_free and not job.status.is_finished
            if not claimed:
                return job
            return replace(
                job,
                lease=Lease(owner=owner, expires_at=now + timedelta(seconds=lease_seconds)),
                attempts=job.attempts + 1,
                started_at=job.started_at or now,
                modified_at=now,
            )

        job = change_record(self._records, self._kind, name, take)
        return job if claimed else None

    def heartbeat(self, name: str, owner: str, lease_seconds: float) -> J:
        """Renew a worker's lease and return the job, which tells whether it is to stop.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def renew(job: J) -> J:
            lease = Lease(owner=owner, expires_at=self._clock() + timedelta(seconds=lease_seconds))
            return replace(job, lease=lease)

        return self._change_held(name, owner, renew)

    def report(self, name: str, owner: str, **changes: Any) -> J:
        """Store progress of a job: any of its fields but status, lease and name.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def change(job: J) -> J:
            # A stop that came in between stays visible: the worker's step does not hide it.
            kept = {} if job.status is JobStatus.IN_PROGRESS else {"step": job.step}
            return replace(job, **(changes | kept), modified_at=self._clock())

        return self._change_held(name, owner, change)

    def finish(self, name: str, owner: str, outcome: Outcome) -> J:
        """Bring a job to its final status; one that was asked to stop ends as stopped unless it failed.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def end(job: J) -> J:
            status, step = outcome.status, outcome.step
            if job.status is JobStatus.STOPPING and status is JobStatus.COMPLETED:
                status, step = JobStatus.STOPPED, JobStep.STOPPED
            ended = self._moved(job, status, step)
            return replace(ended, lease=None, ended_at=ended.modified_at, failure_reason=outcome.failure_reason[:1024])

        return self._change_held(name, owner, end)

    def give_back(self, name: str, owner: str) -> J:
        """Let another worker take a job up at once; this attempt does not count, for nothing went wrong.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def let_go(job: J) -> J:
            return replace(job, lease=None, attempts=max(0, job.attempts - 1))

        return self._change_held(name, owner, let_go)

    def log(self, name: str, messages: Iterable[str]) -> None:
        """Add lines to a job's log."""
        now = self._clock()
        lines = [LogLine(at=now, message=message) for message in messages]
        if lines:
            self._logs.append(self.log_group, self.log_stream(name), lines)

    def log_stream(self, name: str) -> str:
        """Return the stream of a job in the group of its kind."""
        return name

    # --- what the supervisor does -------------------------------------------------------------------------------------

    def find_open(self) -> Sequence[J]:
        """Return the jobs that have not ended, oldest first."""
        # In the order of the states they are found at once, in that of their times among all that ever were.
        found = self._records.find(self._kind, Query(states=OPEN_STATES, order_by="state"))
        return sorted(found, key=lambda job: (job.created_at, job.name.casefold()))

    def stops_without_worker(self, job: J) -> bool:
        """Tell whether a job that is to stop, and that no worker has, can end as it is: most can."""
        del job
        return True

    def end_without_worker(self, name: str, outcome: Outcome) -> J:
        """Bring a job that no worker holds to its end; one that a worker holds meanwhile stays as it is."""

        def end(job: J) -> J:
            now = self._clock()
            if job.status.is_finished or (job.lease is not None and job.lease.expires_at > now):
                return job
            ended = _with_history(self._moved(job, outcome.status, outcome.step))
            return replace(ended, lease=None, ended_at=now, failure_reason=outcome.failure_reason[:1024])

        return change_record(self._records, self._kind, name, end)

    def release(self, name: str, owner: str) -> J:
        """Give a dead worker's lease back at once instead of waiting until it lapses."""

        def let_go(job: J) -> J:
            if job.lease is None or job.lease.owner != owner:
                return job
            return replace(job, lease=None)

        return change_record(self._records, self._kind, name, let_go)

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _kind(self) -> type[J]:
        return self.kind  # type: ignore[return-value]  # a class variable cannot name the type parameter

    def _check_name_is_free(self, name: str) -> None:
        try:
            taken = self.get(name)
        except NotFoundError:
            return
        raise AlreadyExistsError(self.kind.kind, taken.name)

    def _insert(self, job: J) -> J:
        stored = self._records.insert(_with_history(job))
        self._wake()
        return stored

    def _change_held(self, name: str, owner: str, change: Callable[[J], J]) -> J:
        def change_if_held(job: J) -> J:
            if job.lease is None or job.lease.owner != owner or job.status.is_finished:
                raise LeaseLostError(f"the job {name!r} is no longer held by {owner}")
            return _with_history(change(job))

        return change_record(self._records, self._kind, name, change_if_held)

    def _moved(self, job: J, status: JobStatus, step: JobStep) -> J:
        if status not in JOB_MOVES[job.status]:
            raise InvalidMoveError(self.kind.kind, job.name, job.status, status)
        return replace(job, status=status, step=step, modified_at=self._clock())


def _with_history(job: J) -> J:
    """Return the job with its status and step noted, if its history does not end with them."""
    last = job.history[-1] if job.history else None
    if last is not None and (last.status, last.step) == (job.status, job.step):
        return job
    change = StateChange(at=job.modified_at, status=job.status, step=job.step)
    return replace(job, history=(*job.history, change))
