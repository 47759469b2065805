"""Batch transforms: predictions for all rows of some objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from gyropilot.service.job_data import JobData
from gyropilot.service.job_keeper import JobKeeper
from gyropilot.service.json_paths import parse_json_path
from gyropilot.service.ports import BlobStore, Clock, LogStore, RecordStore
from gyropilot.service.records import Job, Model, Transform, TransformJob
from gyropilot.service.transform_inputs import TransformInput, find_inputs

LOG_GROUP = "/aws/sagemaker/TransformJobs"
"""The log group of transform jobs."""


class TransformService(JobKeeper[TransformJob]):
    """Creates, shows, stops and lists transform jobs, and keeps what their workers report."""

    kind: ClassVar[type[Job]] = TransformJob
    log_group: ClassVar[str] = LOG_GROUP

    def __init__(
        self,
        *,
        records: RecordStore,
        blobs: BlobStore,
        data: JobData,
        logs: LogStore,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(records=records, logs=logs, clock=clock, wake=wake)
        self._blobs = blobs
        self._data = data

    def create(
        self,
        name: str,
        model: str,
        request: Mapping[str, Any],
        transform: Transform,
        *,
        tags: Mapping[str, str] | None = None,
        created_by: str = "",
    ) -> TransformJob:
        """Check that model, input and output are there, and queue a job.

        Raises:
            NotFoundError: when there is no such model.
            InvalidRequestError: when a filter is no path, or the input or the output bucket is not there.
            AlreadyExistsError: when the name is taken, in whatever case.
        """
        self._check_name_is_free(name)
        containers = self._records.get(Model, model).containers
        parse_json_path(transform.input_filter, "InputFilter")
        parse_json_path(transform.output_filter, "OutputFilter")
        self.find_inputs(transform)
        self._data.check_output(transform.output_uri)
        now = self._clock()
        return self._insert(
            TransformJob(
                name=name,
                request=request,
                transform=transform,
                containers=containers,
                created_by=created_by,
                tags=tags or {},
                created_at=now,
                modified_at=now,
            )
        )

    def find_inputs(self, transform: Transform) -> Sequence[TransformInput]:
        """Return the objects to predict from, each with where its predictions go.

        Raises:
            InvalidRequestError: as `transform_inputs.find_inputs` tells.
        """
        return find_inputs(transform, self._blobs, self._data)

    def stops_without_worker(self, job: TransformJob) -> bool:
        """Tell whether a job has not begun: what it wrote otherwise, a worker has to remove."""
        return job.started_at is None

    def log_stream(self, name: str) -> str:
        """Return the stream of a job: clients look for streams that begin with the job's name and a slash."""
        return f"{name}/transform"
