from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gyropilot.execution.inline import InlineProgram
from gyropilot.service.errors import (
    EndpointNotReadyError,
    ModelAnsweredError,
    NotFoundError,
    VariantNotFoundError,
)
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.records import Variant
from gyropilot.service.states import EndpointStatus, JobStatus, JobStep
from gyropilot.testing.waiting import wait_until
from tests.unit.service.house import LEASE_SECONDS, House, open_house


def work_well(house: House, job: str) -> None:
    house.service.jobs.claim(job, job, LEASE_SECONDS)
    house.service.jobs.finish(job, job, Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED))


def tick_until_in_service(house: House, name: str = "live") -> None:
    def is_in_service() -> bool:
        house.service.supervisor.tick()
        return house.service.endpoints.get(name).status is EndpointStatus.IN_SERVICE

    wait_until(is_in_service)


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_every_open_job_gets_a_worker(house: House) -> None:
    house.programs.work = lambda job, _: work_well(house, job)
    house.create_job()
    house.service.supervisor.tick()
    wait_until(lambda: house.service.jobs.get("churn").status is JobStatus.COMPLETED)
    house.service.supervisor.tick()
    assert house.programs.worked == ["churn"]


def test_jobs_wait_for_their_turn(tmp_path: Path) -> None:
    with open_house(tmp_path, max_running_jobs=2) as house:
        go = threading.Event()

        def work(job: str, _: InlineProgram) -> None:
            go.wait()
            work_well(house, job)

        house.programs.work = work
        for number in range(3):
            house.clock.advance(1)
            house.create_job(f"job{number}")
        house.service.supervisor.tick()
        house.service.supervisor.tick()
        assert sorted(house.programs.worked) == ["job0", "job1"]
        go.set()

        def all_done() -> bool:
            house.service.supervisor.tick()
            return not house.service.jobs.find_open()

        wait_until(all_done)
        assert house.programs.worked[-1] == "job2"


def test_users_take_turns(tmp_path: Path) -> None:
    with open_house(tmp_path, max_running_jobs=2) as house:
        for number, user in enumerate(("ann", "ann", "ann", "bob")):
            house.clock.advance(1)
            house.create_job(f"{user}{number}", created_by=user)
        house.service.supervisor.tick()
        wait_until(lambda: len(house.programs.worked) == 2)
        assert sorted(house.programs.worked) == ["ann0", "bob3"]


def test_what_another_server_runs_counts_for_its_user(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        for number, user in enumerate(("ann", "ann", "bob")):
            house.clock.advance(1)
            house.create_job(f"{user}{number}", created_by=user)
        house.claim("ann0", owner="elsewhere")
        house.service.supervisor.tick()
        wait_until(lambda: house.programs.worked == ["bob2"])


def test_a_worker_that_dies_is_followed_by_another_when_its_lease_is_over(house: House) -> None:
    house.programs.work = lambda job, _: house.service.jobs.claim(job, "dead", LEASE_SECONDS)
    house.create_job()
    house.service.supervisor.tick()
    wait_until(lambda: house.service.jobs.get("churn").attempts == 1)
    house.programs.work = lambda job, _: work_well(house, job)
    house.service.supervisor.tick()
    assert house.programs.worked == ["churn"]
    house.clock.advance(LEASE_SECONDS)

    def is_done() -> bool:
        house.service.supervisor.tick()
        return house.service.jobs.get("churn").status is JobStatus.COMPLETED

    wait_until(is_done)
    assert house.service.jobs.get("churn").attempts == 2


def test_a_job_that_kills_its_workers_fails_with_their_last_words(house: House) -> None:
    def die(_job: str, _program: InlineProgram) -> None:
        raise RuntimeError("no room for so much data")

    house.programs.work = die
    house.create_job()

    def has_ended() -> bool:
        house.service.supervisor.tick()
        return house.service.jobs.get("churn").status is JobStatus.FAILED

    wait_until(has_ended)
    assert len(house.programs.worked) == 3
    assert "no room for so much data" in house.service.jobs.get("churn").failure_reason


def test_what_cannot_be_started_keeps_nobody_waiting(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.create_job()
    house.clock.advance(1)
    house.create_job("second")
    house.create_endpoint()
    house.launcher.refused.add("churn")
    tick_until_in_service(house)
    assert "no more processes" in caplog.text
    wait_until(lambda: house.programs.worked == ["second"])


def test_a_job_stopped_before_it_began_needs_no_worker(house: House) -> None:
    house.create_job()
    house.service.jobs.stop("churn")
    house.service.supervisor.tick()
    assert house.service.jobs.get("churn").status is JobStatus.STOPPED
    assert house.programs.worked == []


def test_a_job_of_another_servers_worker_is_left_alone(house: House) -> None:
    house.create_job()
    house.claim(owner="elsewhere")
    house.service.supervisor.tick()
    assert house.programs.worked == []


def test_the_bell_starts_a_round_at_once(house: House) -> None:
    house.programs.work = lambda job, _: work_well(house, job)
    stopped = threading.Event()
    thread = threading.Thread(target=house.service.supervisor.run, args=(stopped,))
    thread.start()
    house.create_job()
    wait_until(lambda: house.service.jobs.get("churn").status is JobStatus.COMPLETED)
    stopped.set()
    house.service.book.wake()
    thread.join()


# --- endpoints --------------------------------------------------------------------------------------------------------


def test_an_endpoint_answers_once_its_model_server_does(house: House) -> None:
    house.create_endpoint()
    with pytest.raises(EndpointNotReadyError):
        house.service.endpoints.invoke("live", b"1", {})
    tick_until_in_service(house)
    variant, answer = house.service.endpoints.invoke("live", b"hello", {})
    assert (variant, answer.status, answer.body) == ("all", 200, b"hello")
    assert house.programs.served[0].environment == {"KEY": "value"}
    assert house.programs.served[0].archives[0].read_bytes() == b"a model"


def test_a_models_error_is_told(house: House) -> None:
    house.create_endpoint()
    tick_until_in_service(house)
    with pytest.raises(ModelAnsweredError) as caught:
        house.service.endpoints.invoke("live", b"fail", {})
    assert (caught.value.status, caught.value.body) == (400, b"fail")


def test_an_endpoints_name_is_invoked_as_it_was_spelled(house: House) -> None:
    house.create_endpoint()
    tick_until_in_service(house)
    with pytest.raises(NotFoundError):
        house.service.endpoints.invoke("LIVE", b"1", {})
    with pytest.raises(VariantNotFoundError):
        house.service.endpoints.invoke("live", b"1", {}, variant="none")


def test_variants_share_the_traffic_by_weight(house: House) -> None:
    house.create_endpoint(
        "live", Variant(name="a", model="m", weight=0.0), Variant(name="b", model="m", weight=1.0, instance_count=2)
    )
    tick_until_in_service(house)
    assert {house.service.endpoints.invoke("live", b"1", {})[0] for _ in range(20)} == {"b"}
    assert house.service.endpoints.invoke("live", b"1", {}, variant="a")[0] == "a"
    assert len(house.programs.served) == 3


def test_a_model_server_that_dies_is_started_again(house: House) -> None:
    house.programs.failing_servers = 2
    house.create_endpoint()
    tick_until_in_service(house)
    assert len(house.programs.served) == 3


def test_an_endpoints_log_tells_what_its_model_servers_did_and_wrote(house: House) -> None:
    house.programs.failing_servers = 1
    house.create_endpoint()
    tick_until_in_service(house)
    group = "/aws/sagemaker/Endpoints/live"
    assert all(stream.startswith("all/") for stream in house.logs.streams(group))
    died, lives = sorted(read_all(house, group), key=lambda stream: stream[-1] == "The model server answers.")
    assert lives == ["A model server was started.", "The model server answers."]
    assert (died[0], died[-1]) == ("A model server was started.", "The model server ended.")
    assert "RuntimeError: this model cannot be served" in died
    house.service.endpoints.delete("live")
    house.service.supervisor.tick()
    assert any("The model server was stopped." in log for log in read_all(house, group))


def read_all(house: House, group: str) -> list[list[str]]:
    """Return the lines of each stream of a group."""
    streams = house.logs.streams(group)
    return [[line.message for line in house.logs.read(group, stream)] for stream in streams]


def test_an_endpoint_whose_servers_keep_dying_fails(house: House) -> None:
    house.programs.failing_servers = 100
    house.create_endpoint()

    def has_failed() -> bool:
        house.service.supervisor.tick()
        return house.service.endpoints.get("live").status is EndpointStatus.FAILED

    wait_until(has_failed)
    assert "this model cannot be served" in house.service.endpoints.get("live").failure_reason


def test_a_strangers_image_cannot_be_served(house: House) -> None:
    house.create_endpoint(image="docker.io/library/nginx:latest")
    house.service.supervisor.tick()
    assert "nginx" in house.service.endpoints.get("live").failure_reason


def test_an_archive_that_is_gone_fails_the_endpoint(house: House) -> None:
    house.create_endpoint()
    house.blobs.delete("data", "model.tar.gz")
    house.service.supervisor.tick()
    endpoint = house.service.endpoints.get("live")
    assert endpoint.status is EndpointStatus.FAILED
    assert "Could not find model data" in endpoint.failure_reason


def test_a_deleted_endpoint_takes_its_servers_with_it(house: House, tmp_path: Path) -> None:
    house.create_endpoint()
    tick_until_in_service(house)
    assert house.service.endpoints.delete("live").status is EndpointStatus.DELETING
    house.service.supervisor.tick()
    with pytest.raises(NotFoundError):
        house.service.endpoints.get("live")
    assert house.service.book.addresses("live", "all") == ()
    assert list(tmp_path.iterdir()) == []


def test_an_endpoint_outlives_its_model_and_configuration(house: House) -> None:
    house.create_endpoint()
    house.service.endpoint_configs.delete("c")
    house.service.models.delete("m")
    tick_until_in_service(house)
