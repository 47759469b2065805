from __future__ import annotations

import threading

import pytest

from gyropilot.service.job_keeper import LeaseLostError
from gyropilot.service.states import JobStatus
from gyropilot.testing.waiting import wait_until
from gyropilot.worker.claim import Claim
from tests.unit.service.house import House

QUICK_SECONDS = 0.06


def hold(house: House, lost: threading.Event | None = None) -> Claim:
    house.create_job()
    house.claim()
    lost = lost or threading.Event()
    return Claim(house.service.jobs, "churn", "w1", QUICK_SECONDS, on_lost=lost.set)


def test_the_lease_is_renewed_while_the_claim_is_held(house: House) -> None:
    with hold(house):
        first = house.service.jobs.get("churn").version
        wait_until(lambda: house.service.jobs.get("churn").version >= first + 3)


def test_nothing_is_renewed_afterwards(house: House) -> None:
    with hold(house) as claim:
        pass
    assert not claim.stop.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat of churn"]


def test_a_stop_reaches_the_run(house: House) -> None:
    with hold(house) as claim:
        assert not claim.stop.is_set()
        house.service.jobs.stop("churn")
        assert claim.stop.wait(10)
        assert house.service.jobs.get("churn").status is JobStatus.STOPPING


def test_a_lost_lease_is_noticed(house: House) -> None:
    lost = threading.Event()
    with hold(house, lost):
        house.service.jobs.release("churn", "w1")
        house.claim(owner="w2")
        assert lost.wait(10)


def test_a_job_given_back_is_no_lost_lease(house: House) -> None:
    lost = threading.Event()
    with hold(house, lost) as claim:
        claim.give_back()
        claim.await_return()
        assert claim.is_ending
    assert not lost.is_set()
    assert house.claim(owner="w2") is not None


def test_what_is_lost_cannot_be_given_back(house: House) -> None:
    claim = hold(house)
    house.service.jobs.release("churn", "w1")
    with pytest.raises(LeaseLostError):
        claim.give_back()
    claim.await_return()
