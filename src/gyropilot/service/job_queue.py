"""A worker for every open job, as far as there is room: jobs of one queue wait for each other."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gyropilot.service.job_keeper import JobKeeper, Outcome
from gyropilot.service.ports import Clock, Launcher
from gyropilot.service.records import Job
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.service.turns import take_turns

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Run:
    """The worker of one job as the queue sees it."""

    program: str
    starts: int = field(default=1)


@contextmanager
def going_on(what: str) -> Iterator[None]:
    """Write an error down instead of raising it: the next round tries again."""
    try:
        yield
    except Exception:
        log.exception("the supervisor could not tend %s and goes on", what)


class JobQueue:
    """Starts workers for open jobs, and ends the jobs whose workers cannot.

    Args:
        keepers: of the kinds of jobs that share the queue.
        launcher: starts the workers.
        clock: gives the time.
        max_running: how many workers run at once.
        max_attempts: how many workers may die over one job.
    """

    def __init__(
        self,
        keepers: Sequence[JobKeeper[Any]],
        *,
        launcher: Launcher,
        clock: Clock,
        max_running: int,
        max_attempts: int,
    ) -> None:
        self._keepers = {keeper.kind: keeper for keeper in keepers}
        self._launcher = launcher
        self._clock = clock
        self._max_running = max_running
        self._max_attempts = max_attempts
        self._runs: dict[str, _Run] = {}
        self.has_waiting = False
        """Whether a job waits for room."""

    @property
    def has_ended_runs(self) -> bool:
        """Whether a worker ended since the last round."""
        return any(not self._launcher.is_alive(run.program) for run in self._runs.values())

    def tend(self) -> None:
        """Take the next step for every open job; one that fails keeps none of the others waiting."""
        open_jobs = self._find_open()
        self.has_waiting = False
        for reference in set(self._runs) - {job.reference for job in open_jobs}:
            if not self._launcher.is_alive(self._runs[reference].program):
                del self._runs[reference]
        running = sum(1 for run in self._runs.values() if self._launcher.is_alive(run.program))
        for job in self._line_up(open_jobs):
            with going_on(f"the {job.kind} {job.name}"):
                running += self._tend_job(job, has_room=running < self._max_running)

    def _find_open(self) -> Sequence[Job]:
        found = [job for keeper in self._keepers.values() for job in keeper.find_open()]
        return sorted(found, key=lambda job: job.created_at) if len(self._keepers) > 1 else found

    def _line_up(self, open_jobs: Sequence[Job]) -> Iterator[Job]:
        """Yield the jobs that were begun, then those that wait, in the order of their turns."""
        running = [job for job in open_jobs if job.reference in self._runs or self._is_held(job)]
        begun = {job.reference for job in running}
        yield from running
        yield from take_turns([job for job in open_jobs if job.reference not in begun], running)

    def _is_held(self, job: Job) -> bool:
        return job.lease is not None and job.lease.expires_at > self._clock()

    def _tend_job(self, job: Job, *, has_room: bool) -> int:
        """Take the next step for one open job and return how many workers that started."""
        keeper, run = self._keepers[type(job)], self._runs.get(job.reference)
        if run is not None:
            if self._launcher.is_alive(run.program):
                return 0
            job = keeper.release(job.name, run.program)
        if self._is_held(job):
            return 0  # another server's worker has it
        if job.status is JobStatus.STOPPING and keeper.stops_without_worker(job):
            keeper.end_without_worker(job.name, Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED))
            return 0
        starts = run.starts if run is not None else 0
        if max(job.attempts, starts) >= self._max_attempts:
            self._fail(job, run)
            return 0
        if not has_room:
            self.has_waiting = True
            return 0
        self._runs[job.reference] = _Run(program=self._launcher.start_worker(job.reference), starts=starts + 1)
        return 1

    def _fail(self, job: Job, run: _Run | None) -> None:
        words = self._launcher.output(run.program).strip() if run is not None else ""
        reason = f"InternalServerError: {self._max_attempts} workers ended before the job did."
        if words:
            reason += f" The last one wrote: {words[-600:]}"
        failed = Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason=reason)
        self._keepers[type(job)].end_without_worker(job.name, failed)
