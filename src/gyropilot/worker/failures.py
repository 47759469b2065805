"""How a job ends that could not be run to its end."""

from __future__ import annotations

from gyropilot.engine.errors import BudgetSpentError, DataError, EngineError, RequestError, TaskError
from gyropilot.service.archives import UnservableError
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import AutoMLJob, Job
from gyropilot.service.states import JobStatus, JobStep


def judge_failure(error: Exception, job: Job) -> Outcome:
    """Return the end of a job whose run raised an error.

    Args:
        error: what was raised.
        job: the job as it stands now.
    """
    if isinstance(error, BudgetSpentError):
        return _judge_spent_budget(job)
    if isinstance(error, DataError | TaskError | RequestError | InvalidRequestError | UnservableError):
        return _fail(f"ClientError: {error}")
    if isinstance(error, EngineError):
        return _fail(f"AlgorithmError: {error}")
    if isinstance(error, MemoryError):
        return _fail("AlgorithmError: The memory of this machine is not enough for the data.")
    return _fail(f"InternalServerError: {type(error).__name__}: {error}")


def _judge_spent_budget(job: Job) -> Outcome:
    if job.status is JobStatus.STOPPING:
        return Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED)
    if not isinstance(job, AutoMLJob):
        return _fail("ClientError: The limit ended before the model was trained. Allow more time.")
    if job.best_candidate:
        return Outcome(status=JobStatus.COMPLETED, step=JobStep.MAX_RUNTIME_REACHED)
    limit = job.problem.max_runtime_seconds
    words = "The job" if limit is None else f"The job's limit of {limit:g} s"
    return _fail(f"ClientError: {words} ended before a first candidate was trained. Allow more time.")


def _fail(reason: str) -> Outcome:
    return Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason=reason)
