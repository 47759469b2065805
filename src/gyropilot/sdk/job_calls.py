"""What a session tells about jobs, and how it waits for them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from gyropilot.sdk.clients import Clients
from gyropilot.sdk.job_log import AUTOML_GROUP, TRAINING_GROUP, TRANSFORM_GROUP, JobLog
from gyropilot.sdk.waiting import check_end, look_until

OPEN_STATES = {"InProgress", "Stopping"}

Document = dict[str, Any]


@dataclass(frozen=True)
class _Kind:
    """A kind of job: how it is called in messages, described, and logged."""

    words: str
    operation: str
    name: str
    status: str
    log_group: str


AUTOML_JOB = _Kind("AutoML job", "describe_auto_ml_job_v2", "AutoMLJobName", "AutoMLJobStatus", AUTOML_GROUP)
TRAINING_JOB = _Kind("Training job", "describe_training_job", "TrainingJobName", "TrainingJobStatus", TRAINING_GROUP)
TRANSFORM_JOB = _Kind(
    "Transform job", "describe_transform_job", "TransformJobName", "TransformJobStatus", TRANSFORM_GROUP
)


class JobCalls(Clients):
    """AutoML, training and transform jobs by their names."""

    def describe_auto_ml_job(self, job_name: str) -> Document:
        """Return the answer of `DescribeAutoMLJob`."""
        return dict(self._sagemaker.describe_auto_ml_job(AutoMLJobName=job_name))

    def describe_auto_ml_job_v2(self, job_name: str) -> Document:
        """Return the answer of `DescribeAutoMLJobV2`."""
        return dict(self._sagemaker.describe_auto_ml_job_v2(AutoMLJobName=job_name))

    def describe_training_job(self, job_name: str) -> Document:
        """Return the answer of `DescribeTrainingJob`."""
        return dict(self._sagemaker.describe_training_job(TrainingJobName=job_name))

    def describe_transform_job(self, job_name: str) -> Document:
        """Return the answer of `DescribeTransformJob`."""
        return dict(self._sagemaker.describe_transform_job(TransformJobName=job_name))

    def stop_training_job(self, job_name: str) -> None:
        """Ask a training job to stop."""
        self.sagemaker_client.stop_training_job(TrainingJobName=job_name)

    def stop_transform_job(self, name: str) -> None:
        """Ask a transform job to stop."""
        self.sagemaker_client.stop_transform_job(TransformJobName=name)

    def list_candidates(
        self,
        job_name: str,
        status_equals: str | None = None,
        candidate_name: str | None = None,
        candidate_arn: str | None = None,
        sort_order: str | None = None,
        sort_by: str | None = None,
        max_results: int | None = None,
    ) -> Document:
        """Return the candidates of an AutoML job under `Candidates`: all pages, or the first `max_results` of them.

        Args:
            job_name: the job.
            status_equals: only those of this status.
            candidate_name: only the one of this name.
            candidate_arn: only the one that has a step of this ARN.
            sort_order: `Ascending` or `Descending`.
            sort_by: `CreationTime`, `Status` or `FinalObjectiveMetricValue`.
            max_results: how many at most, at least 1.

        Raises:
            ValueError: when `max_results` is below 1.
        """
        if max_results is not None and max_results < 1:
            raise ValueError(f"max_results must be at least 1, not {max_results}; leave it out for all candidates.")
        filters = {
            "StatusEquals": status_equals,
            "CandidateNameEquals": candidate_name,
            "SortOrder": sort_order,
            "SortBy": sort_by,
        }
        asked: Document = {name: value for name, value in filters.items() if value is not None}
        limit = {} if max_results is None or candidate_arn else {"PaginationConfig": {"MaxItems": max_results}}
        pages = self._sagemaker.get_paginator("list_candidates_for_auto_ml_job")
        found: list[Document] = [
            candidate
            for page in pages.paginate(AutoMLJobName=job_name, **asked, **limit)
            for candidate in page["Candidates"]
            if candidate_arn is None
            or candidate_arn in {step["CandidateStepArn"] for step in candidate["CandidateSteps"]}
        ]
        return {"Candidates": found[:max_results]}

    def list_tags(self, resource_arn: str, max_results: int = 50) -> list[dict[str, str]]:
        """Return all tags of a resource; `max_results` is the size of a page."""
        pages = self.sagemaker_client.get_paginator("list_tags")
        found = pages.paginate(ResourceArn=resource_arn, PaginationConfig={"PageSize": max_results})
        return [{"Key": tag["Key"], "Value": tag["Value"]} for page in found for tag in page["Tags"]]

    def wait_for_auto_ml_job(self, job: str, poll: float = 5) -> Document:
        """Wait until an AutoML job is over and return its description; `poll` is the longest pause in seconds.

        Raises:
            UnexpectedStatusException: when it failed.
        """
        return self._wait(AUTOML_JOB, job, poll)

    def wait_for_job(self, job: str, poll: float = 5) -> Document:
        """Wait until a training job is over and return its description; `poll` is the longest pause in seconds.

        Raises:
            UnexpectedStatusException: when it failed.
        """
        return self._wait(TRAINING_JOB, job, poll)

    def wait_for_transform_job(self, job: str, poll: float = 5) -> Document:
        """Wait until a transform job is over and return its description; `poll` is the longest pause in seconds.

        Raises:
            UnexpectedStatusException: when it failed.
        """
        return self._wait(TRANSFORM_JOB, job, poll)

    def logs_for_job(
        self, job_name: str, wait: bool = False, poll: float = 10, log_type: str = "All", timeout: float | None = None
    ) -> None:
        """Print the log of a training job; with `wait`, as it grows until the job is over, and fail if it failed.

        Args:
            job_name: the job.
            wait: whether to go on until it is over.
            poll: the longest pause between two looks, in seconds.
            log_type: taken for the sake of scripts that give it: there is one log.
            timeout: how many seconds to wait at most; None: as long as it takes.

        Raises:
            UnexpectedStatusException: when it failed.
            TimeoutError: when it was not over in time.
        """
        del log_type
        self._print_log(TRAINING_JOB, job_name, wait=wait, poll=poll, timeout=timeout)

    def logs_for_auto_ml_job(self, job_name: str, wait: bool = False, poll: float = 10) -> None:
        """Print the log of an AutoML job; with `wait`, as it grows until the job is over, and fail if it failed."""
        self._print_log(AUTOML_JOB, job_name, wait=wait, poll=poll)

    def logs_for_transform_job(self, job_name: str, wait: bool = False, poll: float = 10) -> None:
        """Print the log of a transform job; with `wait`, as it grows until the job is over, and fail if it failed."""
        self._print_log(TRANSFORM_JOB, job_name, wait=wait, poll=poll)

    def _print_log(self, kind: _Kind, job: str, *, wait: bool, poll: float, timeout: float | None = None) -> None:
        log = JobLog(self.client("logs"), kind.log_group, job)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            is_over = not wait or self._look(kind, job)[kind.status] not in OPEN_STATES
            for line in log.read_new():
                print(line, flush=True)
            if is_over:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{kind.words} {job} was not over within {timeout:g} s; it goes on.")
            time.sleep(min(poll, self.poll_seconds))
        if wait:
            self._wait(kind, job, poll)

    def _wait(self, kind: _Kind, job: str, poll: float) -> Document:
        """Wait until a job is over, and say how it ended."""
        document = look_until(
            lambda: self._look(kind, job),
            lambda seen: seen[kind.status] not in OPEN_STATES,
            min(poll, self.poll_seconds),
        )
        check_end(kind.words, job, document[kind.status], document.get("FailureReason", ""))
        return document

    def _look(self, kind: _Kind, job: str) -> Document:
        return dict(getattr(self.sagemaker_client, kind.operation)(**{kind.name: job}))

    @property
    def _sagemaker(self) -> Any:
        return self.sagemaker_client  # without its types: the documents are handed on as they come
