"""Training jobs: a candidate's configuration, trained once more on other data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from gyropilot.service.errors import AlreadyExistsError, NotFoundError
from gyropilot.service.job_keeper import JobKeeper
from gyropilot.service.jobs import JobService
from gyropilot.service.ports import Clock, LogStore, Query, RecordStore, merge_found
from gyropilot.service.records import Candidate, Job, Training, TrainingJob
from gyropilot.service.tuning_records import PipelineFit

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
            AlreadyExistsError: when a training job, a candidate or a pipeline has the name, in whatever case.
        """
        self._check_name_is_free(name)
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

    def find_any(self, name: str) -> TrainingJob | Candidate | PipelineFit:
        """Return what AWS has as the training job of this name: one of these, or part of an AutoML job.

        Raises:
            NotFoundError: when there is none.
        """
        with suppress(NotFoundError):
            return self.get(name)
        with suppress(NotFoundError):
            return self._jobs.find_candidate(name)
        return self._jobs.parts.get(PipelineFit, name)

    def find_all(self, query: Query) -> Sequence[TrainingJob | Candidate | PipelineFit]:
        """Return all that AWS has as training jobs that the query selects, in its order."""
        candidates = self._jobs.find_all_candidates(query)
        return merge_found(query, self.find(query), candidates, self._jobs.parts.find(PipelineFit, query))

    def _check_name_is_free(self, name: str) -> None:
        try:
            taken = self.find_any(name)
        except NotFoundError:
            return
        raise AlreadyExistsError(TrainingJob.kind, taken.name)

    def log_stream(self, name: str) -> str:
        """Return the stream of a job: clients look for streams that begin with the job's name and a slash."""
        return f"{name}/algo-1"
