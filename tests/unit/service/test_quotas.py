from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gyropilot.service.errors import InvalidRequestError, LimitExceededError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.ports import Blob
from gyropilot.service.quotas import GIGABYTE, PROFILES
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.settings import QUOTAS
from tests.unit.service.house import PROBLEM, House, open_house

GENEROUS, AWS = PROFILES["generous"], PROFILES["aws"]
MONTH = 30 * 24 * 3600


def blob(size: int) -> Blob:
    return Blob(bucket="data", key="a", size=size, etag="", modified_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def strict_house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, quotas=AWS) as house:
        yield house


def test_the_settings_know_the_profiles() -> None:
    assert tuple(PROFILES) == QUOTAS


@pytest.mark.parametrize(
    ("problem", "training", "validation", "words"),
    [
        (PROBLEM, 100 * GIGABYTE, 1, None),
        (PROBLEM, 100 * GIGABYTE + 1, 1, "The training data has 107374182401 bytes; AWS takes 107374182400 at most."),
        (PROBLEM, 1, 2 * GIGABYTE, None),
        (PROBLEM, 1, 2 * GIGABYTE + 1, "The validation data has 2147483649 bytes; AWS takes 2147483648 at most."),
        (
            replace(PROBLEM, data_format="parquet"),
            2 * GIGABYTE + 1,
            1,
            "The Parquet file s3://data/a has 2147483649 bytes; AWS takes 2147483648 at most.",
        ),
        (replace(PROBLEM, max_runtime_seconds=MONTH), 1, 1, None),
        (
            replace(PROBLEM, max_runtime_seconds=MONTH + 1),
            1,
            1,
            "MaxAutoMLJobRuntimeInSeconds is 2592001; AWS takes 2592000 at most.",
        ),
    ],
)
def test_data_beyond_a_limit_is_told_of_or_refused(
    problem: object, training: int, validation: int, words: str | None
) -> None:
    data = problem, [blob(training)], [blob(validation)]
    assert GENEROUS.check_data(*data) == (() if words is None else (words,))  # type: ignore[arg-type]
    if words is None:
        assert AWS.check_data(*data) == ()  # type: ignore[arg-type]
        return
    with pytest.raises(InvalidRequestError) as error:
        AWS.check_data(*data)  # type: ignore[arg-type]
    assert str(error.value) == words


def test_few_rows() -> None:
    GENEROUS.check_rows(1)
    AWS.check_rows(500)
    with pytest.raises(InvalidRequestError, match="has 499 rows with a target; at least 500 are needed"):
        AWS.check_rows(499)


def test_what_is_beyond_a_limit_is_a_finding_of_the_job(house: House) -> None:
    job = house.create_job(problem=replace(PROBLEM, max_runtime_seconds=MONTH * 2))
    assert job.findings == ("MaxAutoMLJobRuntimeInSeconds is 5184000; AWS takes 2592000 at most.",)


def test_jobs_wait_for_each_other_or_are_refused(house: House, strict_house: House) -> None:
    for number in range(5):
        house.create_job(f"job-{number}")
    for number in range(4):
        strict_house.create_job(f"job-{number}")
    with pytest.raises(LimitExceededError, match="the limit of 4 concurrent AutoML jobs is reached: there are 4"):
        strict_house.create_job("job-4")
    strict_house.claim("job-0")
    strict_house.service.jobs.finish("job-0", "w1", Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))
    strict_house.create_job("job-4")
