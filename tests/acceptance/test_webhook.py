"""A program that is told of every change of a job's state, also of those while it was down."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    create,
    describe,
    read_rows,
    request,
    wait_for,
    wait_for_end,
    write_rows,
)

DOWN_SECONDS = 90
"""How long events may take that were tried while nobody listened: the pauses between tries grow."""


@dataclass
class Receiver:
    """A program with a web address; events arrive while it listens."""

    port: int = 0
    events: list[Any] = field(default_factory=list)

    @contextmanager
    def listen(self) -> Iterator[None]:
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["content-type"] == "application/json"
                events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                return

        with ThreadingHTTPServer(("127.0.0.1", self.port), Handler) as server:
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def told(self, job: str) -> list[tuple[int, str, str]]:
        """Return number, status and step of a job's changes in the order in which they arrived."""
        details = [event["detail"] for event in self.events]
        return [
            (detail["SequenceNumber"], detail["AutoMLJobStatus"], detail["AutoMLJobSecondaryStatus"])
            for detail in details
            if detail["AutoMLJobName"] == job
        ]

    def wait_for_end_of(self, job: str) -> list[tuple[int, str, str]]:
        finals = {"Completed", "Failed", "Stopped"}
        return wait_for(lambda: self.told(job), lambda told: bool(told) and told[-1][1] in finals, seconds=DOWN_SECONDS)


@pytest.fixture
def receiver() -> Receiver:
    receiver = Receiver()
    with receiver.listen():  # so that it has a port, on which nobody listens yet
        return receiver


@pytest.fixture
def server(tmp_path: Path, receiver: Receiver) -> Iterator[RunningServer]:
    url = f"http://127.0.0.1:{receiver.port}/events?token=secret"
    running = RunningServer(tmp_path / "home", {"GYROPILOT_EVENT_WEBHOOK_URL": url})
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def session(server: RunningServer) -> Session:
    opened = Session(home=server.home)
    opened.client("s3").create_bucket(Bucket=BUCKET)
    header, rows = read_rows("adult.csv", 300)
    opened.client("s3").put_object(Bucket=BUCKET, Key="adult/rows.csv", Body=write_rows([header, *rows]))
    return opened


def create_and_stop(session: Session, job: str) -> None:
    create(session, request(job, "adult/", "income", 60))
    session.client("sagemaker").stop_auto_ml_job(AutoMLJobName=job)
    assert wait_for_end(session, job)["AutoMLJobStatus"] == "Stopped"


@pytest.mark.timeout(300)
def test_every_change_arrives_in_order_also_after_a_silence(
    server: RunningServer, session: Session, receiver: Receiver
) -> None:
    made = request("short", "adult/", "income", 60)
    made["AutoMLJobConfig"]["CompletionCriteria"]["MaxCandidates"] = 1
    with receiver.listen():
        create(session, made)
        ended = wait_for_end(session, "short")
        told = receiver.wait_for_end_of("short")
    assert [number for number, _, _ in told] == list(range(len(told)))
    assert told[0][1:] == ("InProgress", "Starting")
    assert told[-1][1:] == (ended["AutoMLJobStatus"], ended["AutoMLJobSecondaryStatus"])
    steps = [step for _, _, step in told]
    assert [step for step in ("AnalyzingData", "PreTraining", "TrainingModels") if step in steps] == steps[1:-1]
    check_form(receiver.events[0], session, "short")

    create_and_stop(session, "unheard")
    server.end(signal.SIGKILL)
    session = server.start()
    create_and_stop(session, "unheard-too")
    with receiver.listen():
        for job in ("unheard", "unheard-too"):
            told = receiver.wait_for_end_of(job)
            assert [number for number, _, _ in told] == list(range(len(told)))
            assert (told[0][1], told[-1][1]) == ("InProgress", "Stopped")
    names = [event["detail"]["AutoMLJobName"] for event in receiver.events]
    assert names == sorted(names, key=["short", "unheard", "unheard-too"].index)
    assert len({event["id"] for event in receiver.events}) == len(receiver.events)


def check_form(event: Any, session: Session, job: str) -> None:
    """Check that an event is one that rules for EventBridge understand."""
    described = describe(session, job)
    assert event["version"] == "0"
    assert event["detail-type"] == "SageMaker AutoML Job State Change"
    assert event["resources"] == [described["AutoMLJobArn"]] == [event["detail"]["AutoMLJobArn"]]
    assert (event["account"], event["region"]) == (session.account_id(), session.region)
    assert abs(datetime.fromisoformat(event["time"]) - described["CreationTime"]).total_seconds() < 2
    assert event["detail"]["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
