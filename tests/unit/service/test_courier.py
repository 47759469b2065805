"""Changes of jobs reach the sink in order, none is lost, and no job waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson
import pytest

from gyropilot.api.events import write_state_change
from gyropilot.service.courier import Courier, EventRefusedError, EventUndeliveredError
from gyropilot.service.job_keeper import Outcome
from gyropilot.service.states import JobStatus, JobStep
from tests.unit.service.house import IDENTITY, House

END = Outcome(status=JobStatus.COMPLETED, step=JobStep.COMPLETED)


@dataclass
class Mailbox:
    """Keeps what comes; fails as it is told to, once for each failure in its list."""

    failures: list[Exception] = field(default_factory=list)
    received: list[dict[str, object]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def send(self, event: bytes) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.received.append(orjson.loads(event))
        self.meanwhile()

    def told(self, name: str = "churn") -> list[str]:
        details = [event["detail"] for event in self.received]
        return [
            f"{detail['AutoMLJobStatus']}/{detail['AutoMLJobSecondaryStatus']}"
            for detail in details
            if isinstance(detail, dict) and detail["AutoMLJobName"] == name
        ]


def open_courier(house: House, mailbox: Mailbox) -> Courier:
    return Courier(
        records=house.records,
        describe=lambda job, number: write_state_change(job, number, IDENTITY),
        sink=mailbox,
        clock=house.clock,
    )


def run_job(house: House, name: str = "churn") -> None:
    """Let a job go its way, a second for each step."""
    house.create_job(name)
    house.claim(name)
    for step in (JobStep.ANALYZING_DATA, JobStep.PRE_TRAINING, JobStep.TRAINING_MODELS):
        house.clock.advance(1)
        house.service.jobs.report(name, "w1", step=step)
        house.service.jobs.report(name, "w1", best_candidate="b")
    house.clock.advance(1)
    house.service.jobs.finish(name, "w1", END)


ALL = [
    "InProgress/Starting",
    "InProgress/AnalyzingData",
    "InProgress/PreTraining",
    "InProgress/TrainingModels",
    "Completed/Completed",
]


def test_every_change_is_told_once_and_in_order(house: House) -> None:
    mailbox = Mailbox()
    courier = open_courier(house, mailbox)
    run_job(house)
    courier.tick()
    courier.tick()
    assert mailbox.told() == ALL
    assert len({event["id"] for event in mailbox.received}) == len(ALL)


def test_an_event_has_the_form_of_eventbridge(house: House) -> None:
    mailbox = Mailbox()
    house.create_job()
    open_courier(house, mailbox).tick()
    event = mailbox.received[0]
    arn = IDENTITY.job_arn("churn")
    assert event["resources"] == [arn]
    assert (event["version"], event["source"], event["account"]) == ("0", "gyropilot.sagemaker", IDENTITY.account_id)
    assert event["detail-type"] == "SageMaker AutoML Job State Change"
    assert event["detail"] == {
        "AutoMLJobName": "churn",
        "AutoMLJobArn": arn,
        "AutoMLJobStatus": "InProgress",
        "AutoMLJobSecondaryStatus": "Starting",
        "CreationTime": int(house.clock.now.timestamp() * 1000),
        "LastModifiedTime": int(house.clock.now.timestamp() * 1000),
        "SequenceNumber": 0,
    }


def test_a_failure_and_a_stop_are_told(house: House) -> None:
    mailbox = Mailbox()
    house.create_job("one")
    house.claim("one")
    house.service.jobs.finish(
        "one", "w1", Outcome(status=JobStatus.FAILED, step=JobStep.FAILED, failure_reason="ClientError: no rows")
    )
    house.create_job("two")
    house.service.jobs.stop("two")
    house.service.jobs.end_without_worker("two", Outcome(status=JobStatus.STOPPED, step=JobStep.STOPPED))
    open_courier(house, mailbox).tick()
    assert mailbox.told("one") == ["InProgress/Starting", "Failed/Failed"]
    assert mailbox.told("two") == ["InProgress/Starting", "Stopping/Stopping", "Stopped/Stopped"]
    failed = [event["detail"] for event in mailbox.received if "FailureReason" in str(event)]
    assert [detail["FailureReason"] for detail in failed if isinstance(detail, dict)] == ["ClientError: no rows"]


def test_what_did_not_arrive_is_tried_again_before_all_that_follows(house: House) -> None:
    mailbox = Mailbox(failures=[EventUndeliveredError("down")] * 3)
    courier = open_courier(house, mailbox)
    run_job(house)
    pauses = []
    for _ in range(3):
        courier.tick()
        assert mailbox.received == []
        pauses.append(courier.pause_seconds)
    assert pauses == [2, 4, 8]
    courier.tick()
    assert mailbox.told() == ALL
    assert courier.pause_seconds == 1


def test_what_is_refused_is_given_up_and_the_next_is_told(house: House) -> None:
    mailbox = Mailbox(failures=[EventRefusedError("no")])
    run_job(house)
    open_courier(house, mailbox).tick()
    assert mailbox.told() == ALL[1:]


def test_another_courier_goes_on_where_the_last_one_stopped(house: House) -> None:
    mailbox = Mailbox()
    run_job(house)
    mailbox.meanwhile = lambda: (
        mailbox.failures.append(EventUndeliveredError("down")) if len(mailbox.received) == 2 else None
    )
    open_courier(house, mailbox).tick()
    assert mailbox.told() == ALL[:2]
    house.clock.advance(3600)
    open_courier(house, mailbox).tick()
    assert mailbox.told() == ALL


def test_after_a_day_a_change_is_given_up(house: House) -> None:
    mailbox = Mailbox()
    courier = open_courier(house, mailbox)
    house.create_job()
    mailbox.failures = [EventUndeliveredError("down")]
    courier.tick()
    house.clock.advance(25 * 3600)
    house.claim()
    house.service.jobs.report("churn", "w1", step=JobStep.ANALYZING_DATA)
    courier.tick()
    assert mailbox.told() == ["InProgress/AnalyzingData"]


def test_a_job_that_changes_while_it_is_told_of_loses_nothing(house: House) -> None:
    mailbox = Mailbox()
    house.create_job()
    house.claim()

    def go_on() -> None:
        mailbox.meanwhile = lambda: None
        house.clock.advance(1)
        house.service.jobs.report("churn", "w1", step=JobStep.ANALYZING_DATA)

    mailbox.meanwhile = go_on
    courier = open_courier(house, mailbox)
    courier.tick()
    courier.tick()
    assert mailbox.told() == ALL[:2]
    job = house.service.jobs.get("churn")
    assert (job.announced, len(job.history)) == (2, 2)


def test_telling_is_no_change_of_the_job(house: House) -> None:
    created = house.create_job()
    house.clock.advance(5)
    open_courier(house, Mailbox()).tick()
    told = house.service.jobs.get("churn")
    assert told == replace(created, announced=1, version=told.version)


@pytest.mark.parametrize("failures", [0, 5, 100])
def test_a_pause_has_a_limit(house: House, failures: int) -> None:
    courier = open_courier(house, Mailbox(failures=[EventUndeliveredError("down")] * failures))
    house.create_job()
    for _ in range(failures):
        courier.tick()
    assert courier.pause_seconds <= 300
