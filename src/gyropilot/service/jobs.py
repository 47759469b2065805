"""AutoML jobs and their candidates: what callers ask for, and what the worker reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from gyropilot.service.changes import change_record
from gyropilot.service.errors import AlreadyExistsError, InvalidMoveError, NotFoundError
from gyropilot.service.job_data import JobData
from gyropilot.service.job_keeper import OPEN_STATES, JobKeeper, Outcome
from gyropilot.service.ports import BlobStore, Clock, HeaderReader, LogStore, Query, RecordStore
from gyropilot.service.quotas import PROFILES, Quotas
from gyropilot.service.records import TUNING, AutoMLJob, Candidate, Endpoint, Job, Problem
from gyropilot.service.states import CANDIDATE_MOVES, CandidateStatus
from gyropilot.service.tuning_parts import TuningParts

LOG_GROUP = "/aws/sagemaker/AutoMLJobs"
"""The log group of AutoML jobs; a job's stream has the job's name."""


class JobService(JobKeeper[AutoMLJob]):
    """Creates, shows, stops and lists AutoML jobs, and keeps what their workers report."""

    kind: ClassVar[type[Job]] = AutoMLJob
    log_group: ClassVar[str] = LOG_GROUP

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
        super().__init__(records=records, logs=logs, clock=clock, wake=wake)
        self.data = JobData(blobs=blobs, headers=headers, quotas=quotas)
        """Where the jobs' data lies."""
        self.parts = TuningParts(records=records, logs=logs, clock=clock)
        """What jobs of tuning consist of."""
        self._quotas = quotas
        self._creating = threading.Lock()

    def create(
        self,
        name: str,
        request: Mapping[str, Any],
        problem: Problem,
        *,
        generation: str = "V1",
        tags: Mapping[str, str] | None = None,
        created_by: str = "",
        endpoint: str = "",
    ) -> AutoMLJob:
        """Check that the data can be read and has the target, and queue a job.

        Raises:
            InvalidRequestError: when the data does not allow the job, as `JobData.check` tells.
            AlreadyExistsError: when the name is taken, in whatever case, or that of the endpoint.
            LimitExceededError: when as many jobs are open as the quotas allow.
        """
        self._check_name_is_free(name)
        problem = self.data.decide_mode(problem)
        if endpoint:
            self._check_endpoint_is_free(endpoint)
        findings = self.data.check(problem)
        now = self._clock()
        job = AutoMLJob(
            name=name,
            request=request,
            problem=problem,
            generation=generation,
            created_by=created_by,
            endpoint=endpoint,
            tags=tags or {},
            findings=findings,
            created_at=now,
            modified_at=now,
        )
        with self._creating:  # two at once must not both see room for one
            self._quotas.check_open_jobs(self._records.count(AutoMLJob, Query(states=OPEN_STATES)))
            return self._insert(job)

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

    def note_report(self, job: str, name: str, *, explainability_url: str = "", insights_url: str = "") -> Candidate:
        """Keep where a report on a finished candidate lies.

        Raises:
            NotFoundError: when there is no such candidate.
        """

        def change(stored: Candidate) -> Candidate:
            return replace(
                stored,
                explainability_url=explainability_url or stored.explainability_url,
                insights_url=insights_url or stored.insights_url,
            )

        return change_record(self._records, Candidate, name, change, parent=job)

    def finish(self, name: str, owner: str, outcome: Outcome) -> AutoMLJob:
        """Bring a job and its candidates to their ends.

        Raises:
            LeaseLostError: when the worker no longer holds the job.
        """
        job = super().finish(name, owner, outcome)
        self._end_open_candidates(job)
        return job

    def end_without_worker(self, name: str, outcome: Outcome) -> AutoMLJob:
        """Bring a job that no worker holds, and its candidates, to their ends."""
        job = super().end_without_worker(name, outcome)
        if job.status.is_finished:
            self._end_open_candidates(job)
        return job

    def _check_endpoint_is_free(self, name: str) -> None:
        try:
            taken = self._records.get(Endpoint, name)
        except NotFoundError:
            return
        raise AlreadyExistsError(Endpoint.kind, taken.name)

    def _end_open_candidates(self, job: AutoMLJob) -> None:
        open_states = frozenset({CandidateStatus.IN_PROGRESS.value, CandidateStatus.STOPPING.value})
        for candidate in self._records.find(Candidate, Query(parent=job.name, states=open_states)):
            now = self._clock()
            reason = candidate.failure_reason or "The job ended before this candidate was trained."
            ended = replace(candidate, status=CandidateStatus.STOPPED, ended_at=now, failure_reason=reason)
            self.report_candidate(job.name, ended)
        if job.problem.mode == TUNING:
            self.parts.end_open(job)
