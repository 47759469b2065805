"""Claims a job, runs it and brings it to its end."""

from __future__ import annotations

import logging
import os
import shutil
import traceback

from gyropilot.service.jobs import LeaseLostError, Outcome
from gyropilot.service.records import AutoMLJob
from gyropilot.worker.claim import Claim
from gyropilot.worker.ending import call_when_asked_to_end
from gyropilot.worker.failures import judge_failure
from gyropilot.worker.workplace import Workplace

log = logging.getLogger(__name__)


def run_job(place: Workplace, name: str, owner: str) -> None:
    """Run a job unless it has ended or another worker holds it.

    Raises:
        NotFoundError: when there is no such job.
        LeaseLostError: when another worker got the job meanwhile; nothing was written since.
    """
    job = place.jobs.claim(name, owner, place.lease_seconds)
    if job is None:
        log.warning("the job %s has ended or is in other hands", name)
        return
    with Claim(place.jobs, job.name, owner, place.lease_seconds) as claim:
        call_when_asked_to_end(lambda: setattr(claim, "is_ending", True), lambda: _give_back(claim))
        place.jobs.log(job.name, [_greet(job)])
        outcome = _run(place, job, claim)
        if claim.is_ending:
            claim.await_return()
            return
        _finish(place, job, owner, outcome)


def _finish(place: Workplace, job: AutoMLJob, owner: str, outcome: Outcome) -> None:
    ended = place.jobs.finish(job.name, owner, outcome)
    place.jobs.log(job.name, [f"The job ended: {ended.step.value}. {ended.failure_reason}".rstrip()])
    shutil.rmtree(place.folder_of(job.name), ignore_errors=True)


def _greet(job: AutoMLJob) -> str:
    return f"A worker has the job (attempt {job.attempts}). Data: {job.problem.data_uri}; target: {job.problem.target}."


def _run(place: Workplace, job: AutoMLJob, claim: Claim) -> Outcome:
    try:
        # The learning libraries take a while to import: the job is claimed first, so that it shows as started.
        from gyropilot.worker.train import train

        return train(place, job, claim)
    except LeaseLostError:
        if claim.is_ending:
            return Outcome(status=job.status, step=job.step)
        raise
    except Exception as error:
        if claim.is_ending:  # the lanes were asked to end as well, and their deaths are no failure of the job
            return Outcome(status=job.status, step=job.step)
        log.exception("the run of %s failed", job.name)
        outcome = judge_failure(error, place.jobs.get(job.name))
        if outcome.failure_reason and not outcome.failure_reason.startswith("ClientError"):
            place.jobs.log(job.name, traceback.format_exc().splitlines())
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
