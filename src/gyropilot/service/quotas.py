"""How much a job may ask for: AWS's limits as a profile, which are refused beyond or only told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gyropilot.service.errors import InvalidRequestError, LimitExceededError
from gyropilot.service.ports import Blob
from gyropilot.service.records import Problem

GIGABYTE = 1024**3

MAX_OPEN_JOBS = 4
"""Jobs that have not ended."""
MAX_TRAINING_BYTES = 100 * GIGABYTE
"""Training data of a job."""
MAX_VALIDATION_BYTES = 2 * GIGABYTE
"""Validation data of a job."""
MAX_PARQUET_BYTES = 2 * GIGABYTE
"""One Parquet file."""
MAX_RUNTIME_SECONDS = 30 * 24 * 3600
"""The limit that a job may set itself."""
MIN_ROWS = 500
"""Rows of training data with a target."""


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """A profile of quotas: the limits are AWS's in each."""

    are_enforced: bool
    """Whether what is beyond a limit is refused; otherwise a finding of the job says so."""

    def check_open_jobs(self, open_jobs: int) -> None:
        """Check that there is room for one more job; where it is not enforced, jobs wait for each other.

        Raises:
            LimitExceededError: when there is none.
        """
        if self.are_enforced and open_jobs >= MAX_OPEN_JOBS:
            raise LimitExceededError("concurrent AutoML jobs", MAX_OPEN_JOBS, open_jobs)

    def check_data(self, problem: Problem, training: Sequence[Blob], validation: Sequence[Blob]) -> tuple[str, ...]:
        """Return a finding for each limit that a job's data or time is beyond.

        Raises:
            InvalidRequestError: instead, when the limits are enforced.
        """
        found = tuple(_find_excess(problem, training, validation))
        if found and self.are_enforced:
            raise InvalidRequestError(found[0])
        return found

    def check_rows(self, rows: int) -> None:
        """Check that there are enough rows; where it is not enforced, the engine tells of few ones.

        Raises:
            InvalidRequestError: when there are too few.
        """
        if self.are_enforced and rows < MIN_ROWS:
            raise InvalidRequestError(
                f"The training data has {rows} rows with a target; at least {MIN_ROWS} are needed."
            )


PROFILES: Mapping[str, Quotas] = {"generous": Quotas(are_enforced=False), "aws": Quotas(are_enforced=True)}
"""The profiles by their names."""


def _find_excess(problem: Problem, training: Sequence[Blob], validation: Sequence[Blob]) -> Iterator[str]:
    for name, blobs, most in (
        ("training", training, MAX_TRAINING_BYTES),
        ("validation", validation, MAX_VALIDATION_BYTES),
    ):
        size = sum(blob.size for blob in blobs)
        if size > most:
            yield f"The {name} data has {size} bytes; AWS takes {most} at most."
    if problem.data_format == "parquet":
        for blob in (*training, *validation):
            if blob.size > MAX_PARQUET_BYTES:
                place = f"s3://{blob.bucket}/{blob.key}"
                yield f"The Parquet file {place} has {blob.size} bytes; AWS takes {MAX_PARQUET_BYTES} at most."
    seconds = problem.max_runtime_seconds or 0
    if seconds > MAX_RUNTIME_SECONDS:
        yield f"MaxAutoMLJobRuntimeInSeconds is {seconds:.0f}; AWS takes {MAX_RUNTIME_SECONDS} at most."
