"""Requests that lie in a queue; the model answers with what it was asked, and with an error when asked to fail."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gyropilot.service.async_invocations import MAX_ATTEMPTS, AsyncRequest
from gyropilot.service.async_queue import LOG_STREAM, PAUSE_SECONDS, AsyncQueue
from gyropilot.service.endpoints import name_log_group
from gyropilot.service.errors import EndpointNotReadyError, InvalidRequestError, NotFoundError
from gyropilot.service.ports import Query
from gyropilot.service.records import AsyncInvocation, AsyncPlaces, Container, Variant
from gyropilot.service.states import EndpointStatus
from gyropilot.testing.waiting import wait_until
from tests.unit.service.house import IDENTITY, House

PLACES = AsyncPlaces(output_uri="s3://data/out", failure_uri="s3://data/failed")


def serve(house: House, places: AsyncPlaces | None = PLACES, instances: int = 1, name: str = "live") -> None:
    house.put("model.tar.gz", b"a model")
    container = Container(image=IDENTITY.ensembling_image, model_data_url="s3://data/model.tar.gz")
    house.service.models.create(name, {}, [container])
    variant = Variant(name="all", model=name, instance_count=instances)
    house.service.endpoint_configs.create(name, {}, [variant], asynchronous=places)
    house.service.endpoints.create(name, name)

    def is_in_service() -> bool:
        house.service.supervisor.tick()
        return house.service.endpoints.get(name).status is EndpointStatus.IN_SERVICE

    wait_until(is_in_service)


def submit(house: House, endpoint: str = "live", **changes: Any) -> AsyncInvocation:
    asked: dict[str, Any] = {"headers": {}, "queue_seconds": 60.0, "timeout_seconds": 60.0, **changes}
    if "input_uri" not in asked:
        asked.setdefault("body", b"rows")
    return house.service.async_invocations.submit(AsyncRequest(endpoint=endpoint, **asked))


def go_round(house: House, queue: AsyncQueue | None = None) -> int:
    """Answer all whose turn it is, and return how many these were."""
    queue = queue or house.service.async_queue
    chosen = queue.choose()
    for invocation in chosen:
        queue.answer(invocation)
    return len(chosen)


def read(house: House, uri: str) -> bytes:
    with house.blobs.open("data", uri.removeprefix("s3://data/")) as (_, content):
        return content.read()


def waiting(house: House) -> int:
    return len(house.service.async_invocations.find(Query()))


def log_of(house: House, name: str = "live") -> str:
    return "\n".join(line.message for line in house.logs.read(name_log_group(name), LOG_STREAM))


def test_an_answer_becomes_an_object(house: House) -> None:
    serve(house)
    house.put("in/rows.csv", b"1,2\n")
    first = submit(house, input_uri="s3://data/in/rows.csv")
    second = submit(house, body=b"inline", inference_id="mine", folder="a/b/", filename="mine.csv")
    assert first.output_uri == f"s3://data/out/{first.name}.out"
    assert first.inference_id == first.name
    assert second.output_uri == "s3://data/out/a/b/mine.csv"
    assert second.failure_uri == f"s3://data/failed/a/b/{second.name}-error.out"
    assert go_round(house) == 2
    assert (read(house, first.output_uri), read(house, second.output_uri)) == (b"1,2\n", b"inline")
    assert waiting(house) == 0
    assert "mine answered: s3://data/out/a/b/mine.csv" in log_of(house)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": b"fail"}, b"the model behind 'live' answered 400: fail"),
        ({"input_uri": "s3://data/none"}, b"There is no object at s3://data/none."),
        ({"input_uri": "s3://none/none"}, b"There is no object at s3://none/none."),
    ],
)
def test_why_there_is_no_answer_becomes_an_object(house: House, changes: dict[str, Any], reason: bytes) -> None:
    serve(house)
    invocation = submit(house, **changes)
    go_round(house)
    assert read(house, invocation.failure_uri) == reason
    assert waiting(house) == 0


def test_a_request_expires(house: House) -> None:
    serve(house)
    invocation = submit(house, queue_seconds=60.0)
    house.clock.advance(61)
    go_round(house)
    assert read(house, invocation.failure_uri) == b"The request expired before its turn came."


def test_without_a_place_the_log_tells_of_failures(house: House) -> None:
    serve(house, AsyncPlaces(output_uri="s3://data/out"))
    invocation = submit(house, body=b"fail")
    assert invocation.failure_uri == ""
    go_round(house)
    assert "failed: the model behind 'live' answered 400" in log_of(house)
    assert waiting(house) == 0


def test_what_cannot_be_stored_is_told(house: House) -> None:
    serve(house, AsyncPlaces(output_uri="s3://gone/out", failure_uri="s3://gone/failed"))
    submit(house)
    go_round(house)
    assert "That could not be stored" in log_of(house)
    assert waiting(house) == 0


def test_requests_wait_for_servers_and_are_not_sent_for_ever(house: House) -> None:
    serve(house)
    invocation = submit(house)
    (address,) = house.service.book.addresses("live", "all")
    house.service.book.write("live", "all", ())
    assert go_round(house) == 0, "nobody is there to answer"
    for attempt in range(MAX_ATTEMPTS):
        assert house.service.async_invocations.find(Query())[0].attempts == attempt
        house.service.book.write("live", "all", [address])
        house.programs.broken = True
        assert go_round(house) == 1
        assert go_round(house) == 0, "it waits a little"
        house.clock.advance(PAUSE_SECONDS)
    assert b"cannot be reached" in read(house, invocation.failure_uri)


def test_so_many_are_answered_at_once_as_the_endpoint_allows(house: House) -> None:
    serve(house, AsyncPlaces(output_uri="s3://data/out", max_per_instance=2), instances=2)
    names = []
    for _ in range(6):
        names.append(submit(house).name)
        house.clock.advance(1)
    queue = house.service.async_queue
    first = queue.choose()
    assert [each.name for each in first] == names[:4]
    assert queue.choose() == []
    queue.answer(first[0])
    assert [each.name for each in queue.choose()] == [names[4]]


def test_a_full_endpoint_keeps_no_other_waiting(house: House) -> None:
    serve(house, AsyncPlaces(output_uri="s3://data/out", max_per_instance=1))
    serve(house, AsyncPlaces(output_uri="s3://data/out", max_per_instance=1), name="other")
    for _ in range(3):
        submit(house)
    wanted = submit(house, "other")
    assert wanted.name in {each.name for each in house.service.async_queue.choose()}


def test_the_next_server_goes_on_with_what_waits(house: House) -> None:
    serve(house)
    invocation = submit(house)
    service = house.service
    queue = AsyncQueue(
        invocations=service.async_invocations, endpoints=service.endpoints, book=service.book, clock=house.clock
    )
    service.async_queue.choose()  # and is killed
    assert go_round(house, queue) == 1
    assert read(house, invocation.output_uri) == b"rows"


def test_requests_to_a_deleted_endpoint_fail(house: House) -> None:
    serve(house)
    before = submit(house)
    house.service.endpoints.delete("live")
    after = read_failure_after(house, before)
    assert b"Deleting" in after


def test_requests_to_an_endpoint_that_is_gone_fail(house: House) -> None:
    serve(house)
    before = submit(house)
    house.service.endpoints.delete("live")
    house.service.supervisor.tick()
    assert b"there is no endpoint called 'live'" in read_failure_after(house, before)


def read_failure_after(house: House, invocation: AsyncInvocation) -> bytes:
    assert go_round(house) == 1
    return read(house, invocation.failure_uri)


def test_what_cannot_be_queued_is_refused(house: House) -> None:
    serve(house)
    serve(house, None, name="plain")
    with pytest.raises(InvalidRequestError, match="has no AsyncInferenceConfig"):
        submit(house, "plain")
    for both in ({"body": b""}, {"body": b"1", "input_uri": "s3://data/x"}):
        with pytest.raises(InvalidRequestError, match="Exactly one of InputLocation and Body"):
            submit(house, **both)
    with pytest.raises(InvalidRequestError, match="expected s3://bucket/key"):
        submit(house, input_uri="https://data/x")
    with pytest.raises(NotFoundError):
        submit(house, "LIVE")
    house.service.endpoints.delete("live")
    with pytest.raises(EndpointNotReadyError):
        submit(house)


def test_a_thread_answers_what_comes(house: House) -> None:
    serve(house)
    stopped = threading.Event()
    thread = threading.Thread(target=house.service.async_queue.run, args=(stopped,))
    thread.start()
    for _ in range(20):
        submit(house)
    wait_until(lambda: waiting(house) == 0)
    stopped.set()
    house.service.async_queue.wake()
    thread.join()
    assert len(house.blobs.list("data", prefix="out/").blobs) == 20
