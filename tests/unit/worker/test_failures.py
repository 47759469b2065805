from __future__ import annotations

from dataclasses import replace

import pytest

from gyropilot.engine.errors import BudgetSpentError, DataError, LaneError, TaskError
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.records import AutoMLJob
from gyropilot.service.states import JobStatus, JobStep
from gyropilot.worker.failures import judge_failure
from tests.unit.service.house import BEGINNING, PROBLEM

JOB = AutoMLJob(
    name="churn",
    request={},
    problem=replace(PROBLEM, max_runtime_seconds=1.0),
    created_at=BEGINNING,
    modified_at=BEGINNING,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DataError("a.csv has one class only"), "ClientError: a.csv has one class only"),
        (TaskError("no such metric"), "ClientError: no such metric"),
        (InvalidRequestError("No objects found under s3://b/k."), "ClientError: No objects found under s3://b/k."),
        (LaneError("lane 1 ended"), "AlgorithmError: lane 1 ended"),
        (MemoryError(), "AlgorithmError: The memory of this machine is not enough for the data."),
        (OSError("disk full"), "InternalServerError: OSError: disk full"),
        (
            BudgetSpentError("over"),
            "ClientError: The job's limit of 1 s ended before a first candidate was trained. Allow more time.",
        ),
    ],
)
def test_a_failure_says_whose_fault_it_was(error: Exception, reason: str) -> None:
    outcome = judge_failure(error, JOB)
    assert (outcome.status, outcome.step, outcome.failure_reason) == (JobStatus.FAILED, JobStep.FAILED, reason)


def test_a_stop_before_the_first_candidate_is_no_failure() -> None:
    outcome = judge_failure(BudgetSpentError("stopped"), replace(JOB, status=JobStatus.STOPPING))
    assert (outcome.status, outcome.failure_reason) == (JobStatus.STOPPED, "")


def test_a_resumed_job_without_time_left_keeps_its_best_candidate() -> None:
    outcome = judge_failure(BudgetSpentError("over"), replace(JOB, best_candidate="churn-trial-t1-1"))
    assert (outcome.status, outcome.step) == (JobStatus.COMPLETED, JobStep.MAX_RUNTIME_REACHED)
