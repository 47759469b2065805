"""The last step of a job that asks for it: its best candidate behind an endpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from gyropilot.api.documents.deployments import write_config_request, write_model_request
from gyropilot.api.documents.endpoint_configs import read_variants
from gyropilot.service.errors import AlreadyExistsError, NotFoundError, ServiceError
from gyropilot.service.job_keeper import LeaseLostError, Outcome
from gyropilot.service.records import AutoMLJob, Candidate, Endpoint, EndpointConfig, Model, Record
from gyropilot.service.states import EndpointStatus, JobStatus, JobStep
from gyropilot.worker.claim import Claim
from gyropilot.worker.progress import FINDING_CHARACTERS, MAX_FINDINGS
from gyropilot.worker.workplace import Workplace

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""How often the worker looks whether the endpoint answers."""


class DeploymentError(Exception):
    """The best candidate cannot be served; the message says why."""


def deploy(place: Workplace, job: AutoMLJob, claim: Claim, outcome: Outcome) -> Outcome:
    """Serve a completed job's best candidate if the job asks for it, and return how the job ends then.

    A failure costs the job nothing but the endpoint: its candidates are there.

    Raises:
        LeaseLostError: when the worker no longer holds the job.
    """
    if not job.endpoint or outcome.status is not JobStatus.COMPLETED or claim.stop.is_set():
        return outcome
    if not place.jobs.get(job.name).best_candidate:
        return outcome  # there was nothing to be trained
    job = place.jobs.report(job.name, claim.owner, step=JobStep.DEPLOYING_MODEL)
    place.jobs.log(job.name, [f"Step: {JobStep.DEPLOYING_MODEL.value}. The endpoint is {job.endpoint}."])
    try:
        _create(place, job)
        if not _await(place, job, claim):
            return outcome
    except LeaseLostError:
        raise
    except Exception as error:
        if not isinstance(error, DeploymentError | ServiceError):
            log.exception("the deployment of %s failed", job.name)
        finding = f"{job.best_candidate} was not deployed to the endpoint {job.endpoint}: {error}"
        findings = (*job.findings[: MAX_FINDINGS - 1], finding[:FINDING_CHARACTERS])
        place.jobs.report(job.name, claim.owner, findings=findings)
        place.jobs.log(job.name, [finding])
        return replace(outcome, step=JobStep.MODEL_DEPLOYMENT_ERROR)
    place.jobs.report(job.name, claim.owner, is_deployed=True)
    place.jobs.log(job.name, [f"The endpoint {job.endpoint} answers."])
    return outcome


def _create(place: Workplace, job: AutoMLJob) -> None:
    """Create model, configuration and endpoint, as far as a worker before this one did not.

    Raises:
        DeploymentError: when a name is taken by something else.
    """
    candidate: Candidate = place.jobs.get_candidate(job.name, job.best_candidate)
    config = write_config_request(job)
    model = _create_or_find(
        lambda: place.models.create(
            job.endpoint, write_model_request(job, candidate), candidate.containers, tags=job.tags
        ),
        lambda: place.models.get(job.endpoint),
    )
    stored = _create_or_find(
        lambda: place.endpoint_configs.create(job.endpoint, config, read_variants(config), tags=job.tags),
        lambda: place.endpoint_configs.get(job.endpoint),
    )
    endpoint = _create_or_find(
        lambda: place.endpoints.create(job.endpoint, job.endpoint, tags=job.tags),
        lambda: place.endpoints.get(job.endpoint),
    )
    _check_is_ours(job, candidate, model, stored, endpoint)


def _create_or_find(create: Callable[[], Record], find: Callable[[], Record]) -> Record:
    try:
        return create()
    except AlreadyExistsError:
        return find()


def _check_is_ours(job: AutoMLJob, candidate: Candidate, *records: Record) -> None:
    for record in records:
        match record:
            case Model(containers=containers):
                is_ours = tuple(containers) == tuple(candidate.containers)
            case EndpointConfig(variants=(variant,)):
                is_ours = variant.model == job.endpoint
            case Endpoint(config=config):
                is_ours = config == job.endpoint
            case _:
                is_ours = False
        if not is_ours:
            raise DeploymentError(f"there is another {record.kind} called {record.name!r}.")


def _await(place: Workplace, job: AutoMLJob, claim: Claim) -> bool:
    """Wait until the endpoint answers; False: the job is to stop, or this worker is to end, before it does.

    Raises:
        DeploymentError: when it failed.
    """
    while not claim.is_ending:
        try:
            endpoint = place.endpoints.get(job.endpoint)
        except NotFoundError:
            raise DeploymentError("the endpoint was deleted before it answered.") from None
        if endpoint.status is EndpointStatus.FAILED:
            raise DeploymentError(endpoint.failure_reason)
        if endpoint.status.serves:
            return True
        if claim.stop.wait(POLL_SECONDS):
            return False
    return False
