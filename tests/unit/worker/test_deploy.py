from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gyropilot.api.documents.deployments import read_endpoint_name
from gyropilot.service.errors import AlreadyExistsError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import AutoMLJob, Candidate, Container
from gyropilot.service.states import CandidateStatus, EndpointStatus, JobStatus, JobStep
from gyropilot.worker.claim import Claim
from gyropilot.worker.deploy import deploy
from gyropilot.worker.workplace import Workplace
from tests.unit.service.house import BEGINNING, IDENTITY, LEASE_SECONDS, PROBLEM, House

DONE = Outcome(status=JobStatus.COMPLETED, step=JobStep.MAX_RUNTIME_REACHED)
REQUEST = {"RoleArn": "arn:aws:iam::000000000000:role/Role", "AutoMLJobName": "churn"}


@pytest.fixture
def place(house: House, tmp_path: Path) -> Workplace:
    service = house.service
    return Workplace(
        jobs=service.jobs,
        trainings=service.trainings,
        transforms=service.transforms,
        models=service.models,
        endpoint_configs=service.endpoint_configs,
        endpoints=service.endpoints,
        blobs=house.blobs,
        identity=IDENTITY,
        folder=tmp_path,
        cores=1,
        lease_seconds=LEASE_SECONDS,
        clock=house.clock,
    )


@contextmanager
def held(house: House, endpoint: str = "live") -> Iterator[tuple[AutoMLJob, Claim]]:
    """Give a job with a best candidate, held by a worker."""
    house.service.jobs.create("churn", REQUEST, PROBLEM, endpoint=endpoint)
    house.claim()
    house.put("model.tar.gz", b"a model")
    container = Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz")
    best = Candidate(
        name="churn-trial-t1-1",
        parent="churn",
        status=CandidateStatus.COMPLETED,
        algorithm="xgboost",
        containers=(container,),
        created_at=BEGINNING,
        modified_at=BEGINNING,
    )
    house.service.jobs.report_candidate("churn", best)
    job = house.service.jobs.report("churn", "w1", best_candidate=best.name)
    with Claim(house.service.jobs, "churn", "w1", 3600.0) as claim:
        yield job, claim


@contextmanager
def supervised(house: House) -> Iterator[None]:
    stopped = threading.Event()
    thread = threading.Thread(target=house.service.supervisor.run, args=(stopped,))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        house.service.book.wake()
        thread.join()


def test_the_best_candidate_answers_when_the_job_ends(house: House, place: Workplace) -> None:
    with held(house) as (job, claim), supervised(house):
        assert deploy(place, job, claim, DONE) == DONE
        assert house.invoke("live", b"rows")[1].body == b"rows"
    job = house.service.jobs.get("churn")
    assert (job.is_deployed, job.step) == (True, JobStep.DEPLOYING_MODEL)
    assert (
        house.service.models.get("live").containers == house.service.jobs.find_candidate(job.best_candidate).containers
    )


def test_a_worker_that_takes_over_goes_on_with_what_is_there(house: House, place: Workplace) -> None:
    with held(house) as (job, claim), supervised(house):
        deploy(place, job, claim, DONE)
        assert deploy(place, job, claim, DONE) == DONE
    assert house.service.jobs.get("churn").is_deployed


@pytest.mark.parametrize("kind", ["model", "configuration", "endpoint"])
def test_a_name_that_is_taken_meanwhile_costs_the_endpoint_only(house: House, place: Workplace, kind: str) -> None:
    with held(house) as (job, claim), supervised(house):
        house.put("other.tar.gz", b"another model")
        other = Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/other.tar.gz")
        if kind == "model":
            house.service.models.create("live", {}, [other])
        elif kind == "configuration":
            house.create_endpoint("elsewhere")
            house.service.endpoint_configs.create("live", {}, house.service.endpoint_configs.get("c").variants)
        else:
            house.create_endpoint("live")
        outcome = deploy(place, job, claim, DONE)
    assert outcome == replace(DONE, step=JobStep.MODEL_DEPLOYMENT_ERROR)
    job = house.service.jobs.get("churn")
    assert not job.is_deployed
    assert (
        f"there is another {'endpoint configuration' if kind == 'configuration' else kind} called" in job.findings[-1]
    )


def test_a_model_that_cannot_be_served_costs_the_endpoint_only(house: House, place: Workplace) -> None:
    house.programs.failing_servers = 10
    with held(house) as (job, claim), supervised(house):
        assert deploy(place, job, claim, DONE).step is JobStep.MODEL_DEPLOYMENT_ERROR
    assert "this model cannot be served" in house.service.jobs.get("churn").findings[-1]
    assert house.service.endpoints.get("live").status is EndpointStatus.FAILED


def test_a_job_that_is_stopped_or_failed_is_not_deployed(house: House, place: Workplace) -> None:
    failed = Outcome(status=JobStatus.FAILED, step=JobStep.FAILED)
    with held(house) as (job, claim):
        assert deploy(place, job, claim, failed) == failed
        claim.stop.set()
        assert deploy(place, job, claim, DONE) == DONE
    assert house.service.jobs.get("churn").step is JobStep.STARTING


def test_a_job_without_a_candidate_is_not_deployed(house: House, place: Workplace) -> None:
    job = house.service.jobs.create("churn", REQUEST, PROBLEM, endpoint="live")
    house.claim()
    with Claim(house.service.jobs, "churn", "w1", 3600.0) as claim:
        assert deploy(place, job, claim, DONE) == DONE


def test_a_job_that_is_stopped_while_it_deploys_ends(house: House, place: Workplace) -> None:
    """Nobody starts the model servers here: the endpoint stays in Creating."""
    with held(house) as (job, claim):
        house.service.jobs.stop("churn")
        claim.stop.wait()
        claim.stop.clear()  # it comes in between
        threading.Timer(0.0, claim.stop.set).start()
        assert deploy(place, job, claim, DONE) == DONE
    assert not house.service.jobs.get("churn").is_deployed


def test_an_endpoint_that_is_there_refuses_the_job(house: House) -> None:
    house.create_endpoint("Live")
    with pytest.raises(AlreadyExistsError, match="endpoint called 'Live'"):
        house.service.jobs.create("churn", REQUEST, PROBLEM, endpoint="live")


def test_names_are_given_or_made_up() -> None:
    names = {read_endpoint_name({**REQUEST, "ModelDeployConfig": {"AutoGenerateEndpointName": True}}) for _ in "12"}
    assert len(names) == 2
    assert all(name.startswith("churn-") and len(name) <= 63 for name in names)
    assert read_endpoint_name({**REQUEST, "ModelDeployConfig": {"EndpointName": "mine"}}) == "mine"
    assert read_endpoint_name({**REQUEST, "ModelDeployConfig": {"AutoGenerateEndpointName": False}}) == ""
    assert read_endpoint_name(REQUEST) == ""
