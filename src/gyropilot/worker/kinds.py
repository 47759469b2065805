"""What a worker does for each kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gyropilot.engine.lanes.forking import prepare_nursery
from gyropilot.service.errors import NotFoundError
from gyropilot.service.job_keeper import JobKeeper, Outcome
from gyropilot.service.records import AutoMLJob, TrainingJob, TransformJob
from gyropilot.worker.claim import Claim
from gyropilot.worker.deploy import deploy
from gyropilot.worker.workplace import Workplace


def _end_so(_place: Workplace, _job: Any, _claim: Claim, outcome: Outcome) -> Outcome:
    return outcome


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """One kind of job."""

    keeper: Callable[[Workplace], JobKeeper[Any]]
    """Where its progress is told."""
    greet: Callable[[Any], str]
    """What the log says of a job first."""
    run: Callable[[Workplace, Any, Claim], Outcome]
    """Brings a claimed job to its end."""
    conclude: Callable[[Workplace, Any, Claim, Outcome], Outcome] = _end_so
    """Does what there is to do once it has one, and returns how the job ends."""


def find_kind(resource: str) -> JobKind:
    """Return the kind of job that ARNs call by this word.

    Raises:
        NotFoundError: when there is none.
    """
    if resource not in _KINDS:
        raise NotFoundError("kind of job", resource)
    return _KINDS[resource]


def _train(place: Workplace, job: AutoMLJob, claim: Claim) -> Outcome:
    # The learning libraries take a while to import: the job is claimed first, so that it shows as started, and the
    # nursery imports its own meanwhile.
    prepare_nursery(())
    from gyropilot.worker.train import train

    return train(place, job, claim)


def _retrain(place: Workplace, job: TrainingJob, claim: Claim) -> Outcome:
    prepare_nursery(())
    from gyropilot.worker.retrain import retrain  # late for the same reasons

    return retrain(place, job, claim)


def _transform(place: Workplace, job: TransformJob, claim: Claim) -> Outcome:
    from gyropilot.worker.transform.run import transform  # late for the same reason

    return transform(place, job, claim)


_KINDS: Mapping[str, JobKind] = {
    AutoMLJob.resource: JobKind(
        keeper=lambda place: place.jobs,
        greet=lambda job: f"Data: {job.problem.data_uri}; target: {job.problem.target}.",
        run=_train,
        conclude=deploy,
    ),
    TrainingJob.resource: JobKind(
        keeper=lambda place: place.trainings,
        greet=lambda job: (
            f"Candidate: {job.training.candidate or job.training.pipeline}; data: {job.training.problem.data_uri}."
        ),
        run=_retrain,
    ),
    TransformJob.resource: JobKind(
        keeper=lambda place: place.transforms,
        greet=lambda job: f"Input: {job.transform.input_uri}; output: {job.transform.output_uri}.",
        run=_transform,
    ),
}
