"""AutoML jobs and their candidates: what callers ask for, and what the worker reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gyropilot.service.changes import change_record
from gyropilot.service.errors import AlreadyExistsError, InvalidMoveError, NotFoundError
from gyropilot.service.job_data import JobData
from gyropilot.service.ports import BlobStore, Clock, HeaderReader, LogLine, LogStore, Query, RecordStore
from gyropilot.service.quotas import PROFILES, Quotas
from gyropilot.service.records import AutoMLJob, Candidate, Lease, Problem, StateChange
from gyropilot.service.states import CANDIDATE_MOVES, JOB_MOVES, CandidateStatus, JobStatus, JobStep

LOG_GROUP = "/aws/sagemaker/AutoMLJobs"
"""The log group of AutoML jobs; a job's stream has the job's name."""
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


class JobService:
    """Creates, shows, stops and lists AutoML jobs, and keeps what their workers report."""

    def __init__(
        self,
        *,
        records: RecordStore,
        blobs: BlobStore,
        headers: HeaderReader,
        logs: LogStore,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
        quotas: Quotas = PROFILES["generous"],
    ) -> None:
        self.data = JobData(blobs=blobs, headers=headers, quotas=quotas)
        """Where the jobs' data lies."""
        self._records = records
        self._logs = logs
        self._quotas = quotas
        self._creating = threading.Lock()
        self._clock = clock
        self._wake = wake

    # --- what callers ask for -----------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        request: Mapping[str, Any],
        problem: Problem,
        *,
        generation: str = "V1",
        tags: Mapping[str, str] | None = None,
        created_by: str = "",
    ) -> AutoMLJob:
        """Check that the data can be read and has the target, and queue a job.

        Raises:
            InvalidRequestError: when the data does not allow the job, as `JobData.check` tells.
            AlreadyExistsError: when the name is taken, in whatever case.
            LimitExceededError: when as many jobs are open as the quotas allow.
        """
        self._check_name_is_free(name)
        findings = self.data.check(problem)
        now = self._clock()
        job = AutoMLJob(
            name=name,
            request=request,
            problem=problem,
            generation=generation,
            created_by=created_by,
            tags=tags or {},
            findings=findings,
            created_at=now,
            modified_at=now,
        )
        with self._creating:  # two at once must not both see room for one
            self._quotas.check_open_jobs(self._records.count(AutoMLJob, Query(states=OPEN_STATES)))
            job = self._records.insert(_with_history(job))
        self._wake()
        return job

    def get(self, name: str) -> AutoMLJob:
        """Return a job.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(AutoMLJob, name)

    def find(self, query: Query) -> Sequence[AutoMLJob]:
        """Return the jobs that the query selects."""
        return self._records.find(AutoMLJob, query)

    def find_candidates(self, job: str, query: Query) -> Sequence[Candidate]:
        """Return a job's candidates that the query selects.

        Raises:
            NotFoundError: when there is no such job.
        """
        return self._records.find(Candidate, replace(query, parent=self.get(job).name))

    def get_candidate(self, job: str, name: str) -> Candidate:
        """Return one candidate of a job.

        Raises:
            NotFoundError: when there is none.
        """
        return self._records.get(Candidate, name, parent=job)

    def find_candidate(self, name: str) -> Candidate:
        """Return the candidate of this name, whichever job made it: its name begins with the job's.

        Raises:
            NotFoundError: when there is none.
        """
        found = self._records.find(Candidate, Query(name=name, order_by="name", limit=1))
        if not found:
            raise NotFoundError(Candidate.kind, name)
        return found[0]

    def find_all_candidates(self, query: Query) -> Sequence[Candidate]:
        """Return the candidates of all jobs that the query selects."""
        return self._records.find(Candidate, query)

    def stop(self, name: str) -> AutoMLJob:
        """Ask a running job to end with the best model so far; stopping twice is no error.

        Raises:
            NotFoundError: when there is no such job.
            InvalidMoveError: when it has ended.
        """

        def ask(job: AutoMLJob) -> AutoMLJob:
            if job.status is JobStatus.STOPPING:
                return job
            return _with_history(self._moved(job, JobStatus.STOPPING, JobStep.STOPPING))

        return change_record(self._records, AutoMLJob, name, ask)

    # --- what the worker reports --------------------------------------------------------------------------------------

    def claim(self, name: str, owner: str, lease_seconds: float) -> AutoMLJob | None:
        """Take a job up for a worker; None when it has ended or another worker holds it."""
        claimed = False

        def take(job: AutoMLJob) -> AutoMLJob:
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

        job = change_record(self._records, AutoMLJob, name, take)
        return job if claimed else None

    def heartbeat(self, name: str, owner: str, lease_seconds: float) -> AutoMLJob:
        """Renew a worker's lease and return the job, which tells whether it is to stop.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def renew(job: AutoMLJob) -> AutoMLJob:
            lease = Lease(owner=owner, expires_at=self._clock() + timedelta(seconds=lease_seconds))
            return replace(job, lease=lease)

        return self._change_held(name, owner, renew)

    def report(self, name: str, owner: str, **changes: Any) -> AutoMLJob:
        """Store progress of a job: any of its fields but status, lease and name.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def change(job: AutoMLJob) -> AutoMLJob:
            # A stop that came in between stays visible: the worker's step does not hide it.
            kept = {} if job.status is JobStatus.IN_PROGRESS else {"step": job.step}
            return replace(job, **(changes | kept), modified_at=self._clock())

        return self._change_held(name, owner, change)

    def report_candidate(self, job: str, candidate: Candidate) -> Candidate:
        """Store a new candidate, which gets the job's tags, or progress of one, which keeps its own.

        Raises:
            InvalidMoveError: when the change of status is not allowed.
        """

        def change(stored: Candidate) -> Candidate:
            if stored.status is not candidate.status and candidate.status not in CANDIDATE_MOVES[stored.status]:
                raise InvalidMoveError(Candidate.kind, candidate.name, stored.status, candidate.status)
            if stored.status.is_finished:
                return stored
            return replace(
                candidate,
                version=stored.version,
                tags=stored.tags,
                created_at=stored.created_at,
                modified_at=self._clock(),
            )

        try:
            return change_record(self._records, Candidate, candidate.name, change, parent=job)
        except NotFoundError:
            return self._records.insert(replace(candidate, tags=self.get(job).tags))

    def finish(self, name: str, owner: str, outcome: Outcome) -> AutoMLJob:
        """Bring a job to its final status; one that was asked to stop ends as stopped unless it failed.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def end(job: AutoMLJob) -> AutoMLJob:
            status, step = outcome.status, outcome.step
            if job.status is JobStatus.STOPPING and status is JobStatus.COMPLETED:
                status, step = JobStatus.STOPPED, JobStep.STOPPED
            ended = self._moved(job, status, step)
            return replace(ended, lease=None, ended_at=ended.modified_at, failure_reason=outcome.failure_reason[:1024])

        job = self._change_held(name, owner, end)
        self._end_open_candidates(job)
        return job

    def give_back(self, name: str, owner: str) -> AutoMLJob:
        """Let another worker take a job up at once; this attempt does not count, for nothing went wrong.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """

        def let_go(job: AutoMLJob) -> AutoMLJob:
            return replace(job, lease=None, attempts=max(0, job.attempts - 1))

        return self._change_held(name, owner, let_go)

    def log(self, name: str, messages: Iterable[str]) -> None:
        """Add lines to a job's log."""
        now = self._clock()
        lines = [LogLine(at=now, message=message) for message in messages]
        if lines:
            self._logs.append(LOG_GROUP, name, lines)

    # --- what the supervisor does -------------------------------------------------------------------------------------

    def find_open(self) -> Sequence[AutoMLJob]:
        """Return the jobs that have not ended, oldest first."""
        # In the order of the states they are found at once, in that of their times among all that ever were.
        found = self._records.find(AutoMLJob, Query(states=OPEN_STATES, order_by="state"))
        return sorted(found, key=lambda job: (job.created_at, job.name.casefold()))

    def end_without_worker(self, name: str, outcome: Outcome) -> AutoMLJob:
        """Bring a job that no worker holds to its end; one that a worker holds meanwhile stays as it is."""

        def end(job: AutoMLJob) -> AutoMLJob:
            now = self._clock()
            if job.status.is_finished or (job.lease is not None and job.lease.expires_at > now):
                return job
            ended = _with_history(self._moved(job, outcome.status, outcome.step))
            return replace(ended, lease=None, ended_at=now, failure_reason=outcome.failure_reason[:1024])

        job = change_record(self._records, AutoMLJob, name, end)
        if job.status.is_finished:
            self._end_open_candidates(job)
        return job

    def release(self, name: str, owner: str) -> AutoMLJob:
        """Give a dead worker's lease back at once instead of waiting until it lapses."""

        def let_go(job: AutoMLJob) -> AutoMLJob:
            if job.lease is None or job.lease.owner != owner:
                return job
            return replace(job, lease=None)

        return change_record(self._records, AutoMLJob, name, let_go)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _check_name_is_free(self, name: str) -> None:
        try:
            taken = self._records.get(AutoMLJob, name)
        except NotFoundError:
            return
        raise AlreadyExistsError(AutoMLJob.kind, taken.name)

    def _change_held(self, name: str, owner: str, change: Callable[[AutoMLJob], AutoMLJob]) -> AutoMLJob:
        def change_if_held(job: AutoMLJob) -> AutoMLJob:
            if job.lease is None or job.lease.owner != owner or job.status.is_finished:
                raise LeaseLostError(f"the job {name!r} is no longer held by {owner}")
            return _with_history(change(job))

        return change_record(self._records, AutoMLJob, name, change_if_held)

    def _moved(self, job: AutoMLJob, status: JobStatus, step: JobStep) -> AutoMLJob:
        if status not in JOB_MOVES[job.status]:
            raise InvalidMoveError(AutoMLJob.kind, job.name, job.status, status)
        return replace(job, status=status, step=step, modified_at=self._clock())

    def _end_open_candidates(self, job: AutoMLJob) -> None:
        open_states = frozenset({CandidateStatus.IN_PROGRESS.value, CandidateStatus.STOPPING.value})
        for candidate in self._records.find(Candidate, Query(parent=job.name, states=open_states)):
            now = self._clock()
            reason = candidate.failure_reason or "The job ended before this candidate was trained."
            ended = replace(candidate, status=CandidateStatus.STOPPED, ended_at=now, failure_reason=reason)
            self.report_candidate(job.name, ended)


def _with_history(job: AutoMLJob) -> AutoMLJob:
    """Return the job with its status and step noted, if its history does not end with them."""
    last = job.history[-1] if job.history else None
    if last is not None and (last.status, last.step) == (job.status, job.step):
        return job
    change = StateChange(at=job.modified_at, status=job.status, step=job.step)
    return replace(job, history=(*job.history, change))
