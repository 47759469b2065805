"""Claims a job, runs it and brings it to its end."""

from __future__ import annotations

import logging
import os
import shutil
import traceback
from typing import Any

from gyropilot.service.job_keeper import JobKeeper, LeaseLostError, Outcome
from gyropilot.service.records import Job
from gyropilot.worker.claim import Claim
from gyropilot.worker.ending import call_when_asked_to_end
from gyropilot.worker.failures import judge_failure
from gyropilot.worker.kinds import JobKind, find_kind
from gyropilot.worker.workplace import Workplace

log = logging.getLogger(__name__)


def run_job(place: Workplace, reference: str, owner: str) -> None:
    """Run a job, named as its ARN ends, unless it has ended or another worker holds it.

    Raises:
        NotFoundError: when there is no such job.
        LeaseLostError: when another worker got the job meanwhile; nothing was written since.
    """
    resource, _, name = reference.partition("/")
    kind = find_kind(resource)
    keeper = kind.keeper(place)
    job: Job | None = keeper.claim(name, owner, place.lease_seconds)
    if job is None:
        log.warning("the job %s has ended or is in other hands", reference)
        return
    with Claim(keeper, job.name, owner, place.lease_seconds) as claim:
        call_when_asked_to_end(lambda: setattr(claim, "is_ending", True), lambda: _give_back(claim))
        keeper.log(job.name, [f"A worker has the job (attempt {job.attempts}). {kind.greet(job)}"])
        outcome = _run(place, kind, keeper, job, claim)
        if claim.is_ending:
            claim.await_return()
            return
        _finish(keeper, job, owner, outcome)
        shutil.rmtree(place.folder_of(job), ignore_errors=True)


def _finish(keeper: JobKeeper[Any], job: Job, owner: str, outcome: Outcome) -> None:
    ended = keeper.finish(job.name, owner, outcome)
    keeper.log(job.name, [f"The job ended: {ended.step.value}. {ended.failure_reason}".rstrip()])


def _run(place: Workplace, kind: JobKind, keeper: JobKeeper[Any], job: Job, claim: Claim) -> Outcome:
    try:
        outcome = _run_itself(place, kind, keeper, job, claim)
        return outcome if claim.is_ending else kind.conclude(place, job, claim, outcome)
    except LeaseLostError:
        if claim.is_ending:
            return Outcome(status=job.status, step=job.step)
        raise


def _run_itself(place: Workplace, kind: JobKind, keeper: JobKeeper[Any], job: Job, claim: Claim) -> Outcome:
    try:
        return kind.run(place, job, claim)
    except LeaseLostError:
        raise
    except Exception as error:
        if claim.is_ending:  # the lanes were asked to end as well, and their deaths are no failure of the job
            return Outcome(status=job.status, step=job.step)
        log.exception("the run of %s failed", job.name)
        outcome = judge_failure(error, keeper.get(job.name))
        if outcome.failure_reason and not outcome.failure_reason.startswith("ClientError"):
            keeper.log(job.name, traceback.format_exc().splitlines())
        return outcome


def _give_back(claim: Claim) -> None:
    """Let go of the job and end: the run's folder has all that the next worker needs."""
    try:
        claim.give_back()
    except LeaseLostError:
        log.warning("the job was in other hands already")
    finally:
        logging.shutdown()
        os._exit(0)
