"""Training jobs: a candidate's configuration, trained once more on other data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from gyropilot.service.errors import AlreadyExistsError, NotFoundError
from gyropilot.service.job_keeper import JobKeeper
from gyropilot.service.jobs import JobService
from gyropilot.service.ports import Clock, LogStore, Query, RecordStore, position_of
from gyropilot.service.records import Candidate, Job, Training, TrainingJob

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""The log group of training jobs."""


class TrainingService(JobKeeper[TrainingJob]):
    """Creates, shows, stops and lists training jobs. A candidate is a training job too: they share their names."""

    kind: ClassVar[type[Job]] = TrainingJob
    log_group: ClassVar[str] = LOG_GROUP

    def __init__(
        self,
        *,
        records: RecordStore,
        jobs: JobService,
        logs: LogStore,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(records=records, logs=logs, clock=clock, wake=wake)
        self._jobs = jobs

    def create(
        self,
        name: str,
        request: Mapping[str, Any],
        training: Training,
        *,
        tags: Mapping[str, str] | None = None,
        created_by: str = "",
    ) -> TrainingJob:
        """Check that the data can be read and has the target, and queue a job.

        Raises:
            InvalidRequestError: when the data does not allow the job, as `JobData.check` tells.
            AlreadyExistsError: when a training job or a candidate has the name, in whatever case.
        """
        self._check_name_is_free(name)
        self._check_no_candidate_has(name)
        self._jobs.data.check(training.problem)
        now = self._clock()
        return self._insert(
            TrainingJob(
                name=name,
                request=request,
                training=training,
                created_by=created_by,
                tags=tags or {},
                created_at=now,
                modified_at=now,
            )
        )

    def find_with_candidates(self, query: Query) -> Sequence[TrainingJob | Candidate]:
        """Return the training jobs and candidates that the query selects, in its order."""
        found: list[TrainingJob | Candidate] = [*self.find(query), *self._jobs.find_all_candidates(query)]
        found.sort(key=lambda record: position_of(record, query.order_by), reverse=query.descending)
        return found[: query.limit]

    def log_stream(self, name: str) -> str:
        """Return the stream of a job: clients look for streams that begin with the job's name and a slash."""
        return f"{name}/algo-1"

    def _check_no_candidate_has(self, name: str) -> None:
        try:
            candidate = self._jobs.find_candidate(name)
        except NotFoundError:
            return
        raise AlreadyExistsError(TrainingJob.kind, candidate.name)
