"""Endpoints that are to serve something else; the model of the tests answers with what it was asked."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gyropilot.service.endpoints import Share
from gyropilot.service.errors import (
    EndpointBusyError,
    EndpointNotReadyError,
    InvalidMoveError,
    InvalidRequestError,
    NotFoundError,
    VariantNotFoundError,
)
from gyropilot.service.invocations import INVOCATION_SECONDS
from gyropilot.service.model_servers import HEALTH_SECONDS, SILENT_SECONDS
from gyropilot.service.records import Container, Endpoint, Variant
from gyropilot.service.states import EndpointStatus
from gyropilot.testing.waiting import wait_until
from tests.unit.service.house import IDENTITY, House

OLD = Variant(name="all", model="m", weight=0.5, instance_count=2)


def add_config(house: House, name: str, *variants: Variant, image: str = IDENTITY.ensembling_image) -> None:
    """Store a configuration and, for each of its variants, a model."""
    for variant in variants:
        container = Container(
            image=image, model_data_url="s3://data/model.tar.gz", environment={"MODEL": variant.model}
        )
        house.service.models.create(variant.model, {}, [container])
    house.service.endpoint_configs.create(name, {}, variants)


def tick_until(house: House, status: EndpointStatus) -> Endpoint:
    def is_reached() -> bool:
        house.service.supervisor.tick()
        return house.service.endpoints.get("live").status is status

    wait_until(is_reached)
    return house.service.endpoints.get("live")


def serve(house: House) -> None:
    house.create_endpoint("live", OLD)
    tick_until(house, EndpointStatus.IN_SERVICE)


def invoke(house: House) -> str:
    return house.invoke()[0]


def count_servers(house: House) -> int:
    return sum(map(house.launcher.is_alive, house.launcher._programs))


def test_an_update_takes_over_once_its_servers_answer(house: House) -> None:
    serve(house)
    add_config(house, "next", Variant(name="other", model="m2"))
    house.service.endpoints.update("live", "next")
    house.service.endpoint_configs.delete("next")
    house.service.models.delete("m2")
    assert house.service.endpoints.get("live").status is EndpointStatus.UPDATING
    assert invoke(house) == "all"
    endpoint = tick_until(house, EndpointStatus.IN_SERVICE)
    assert (endpoint.config, endpoint.number, endpoint.update) == ("next", 1, None)
    assert invoke(house) == "other"
    assert [spec.environment["MODEL"] for spec in house.programs.served if spec.variant == "other"] == ["m2"]


def test_whoever_was_asked_before_goes_on_to_answer(house: House) -> None:
    serve(house)
    before = house.service.book.addresses("live", "all")
    add_config(house, "next", Variant(name="other", model="m2"))
    with house.service.book.borrow("live", "all", seconds=0) as address:
        assert address is not None
        assert address in before
        house.service.endpoints.update("live", "next")
        tick_until(house, EndpointStatus.IN_SERVICE)
        house.clock.advance(INVOCATION_SECONDS - 1)
        house.service.supervisor.tick()
        assert house.client.invoke(address, b"late", {}).body == b"late"
        assert house.service.book.addresses("live", "all") == (), "nobody else is sent there"
        assert count_servers(house) == 3
    house.service.supervisor.tick()
    assert count_servers(house) == 1
    assert invoke(house) == "other"


def test_nobody_waits_for_an_answer_longer_than_a_model_may_take(house: House) -> None:
    serve(house)
    with house.service.book.borrow("live", "all", seconds=0):
        house.service.endpoints.delete("live")
        house.service.supervisor.tick()
        with pytest.raises(EndpointNotReadyError):
            invoke(house)
        assert (count_servers(house), house.service.endpoints.get("live").status) == (2, EndpointStatus.DELETING)
        house.clock.advance(INVOCATION_SECONDS)
        house.service.supervisor.tick()
    assert count_servers(house) == 0
    with pytest.raises(NotFoundError):
        house.service.endpoints.get("live")


def test_a_variant_of_the_same_name_has_new_servers(house: House, tmp_path: Path) -> None:
    serve(house)
    before = house.service.book.addresses("live", "all")
    add_config(house, "next", Variant(name="all", model="m2"))
    house.service.endpoints.update("live", "next")
    tick_until(house, EndpointStatus.IN_SERVICE)
    after = house.service.book.addresses("live", "all")
    assert (len(before), len(after), set(before) & set(after)) == (2, 1, set())
    house.service.supervisor.tick()
    assert house.service.book.addresses("live", "all") == after
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["1"], "the old archive is gone"


@pytest.mark.parametrize(
    ("kept", "expected"), [((), (1.0, 1)), (("weight",), (0.5, 1)), (("weight", "instance_count"), (0.5, 2))]
)
def test_an_update_may_leave_weights_and_counts(
    house: House, kept: tuple[str, ...], expected: tuple[float, int]
) -> None:
    serve(house)
    add_config(house, "next", Variant(name="all", model="m2"), Variant(name="new", model="m3", weight=2.0))
    update = house.service.endpoints.update("live", "next", kept=kept).update
    assert update is not None
    same, new = update.variants
    assert (same.weight, same.instance_count, same.model) == (*expected, "m2")
    assert new.weight == 2.0


def test_an_update_that_cannot_be_served_leaves_what_was(house: House) -> None:
    serve(house)
    add_config(house, "next", Variant(name="all", model="m2"), image="xgboost:1")
    house.service.endpoints.update("live", "next")
    endpoint = tick_until(house, EndpointStatus.IN_SERVICE)
    assert (endpoint.config, endpoint.update) == ("c", None)
    assert endpoint.failure_reason.startswith("The update failed. The image xgboost:1 is not one of Gyropilot's")
    assert invoke(house) == "all"
    add_config(house, "better", Variant(name="all", model="m4"))
    assert house.service.endpoints.update("live", "better").failure_reason == ""
    assert tick_until(house, EndpointStatus.IN_SERVICE).number == 2


def test_an_update_whose_servers_keep_dying_leaves_what_was(house: House) -> None:
    serve(house)
    add_config(house, "next", Variant(name="all", model="m2"))
    house.programs.failing_servers = 10
    house.service.endpoints.update("live", "next")
    endpoint = tick_until(house, EndpointStatus.IN_SERVICE)
    assert "this model cannot be served" in endpoint.failure_reason
    assert invoke(house) == "all"


def test_only_an_endpoint_in_service_is_updated(house: House) -> None:
    with pytest.raises(NotFoundError, match="endpoint"):
        house.service.endpoints.update("live", "next")
    house.create_endpoint("live", OLD)
    with pytest.raises(NotFoundError, match="endpoint configuration"):
        house.service.endpoints.update("live", "next")
    add_config(house, "next", Variant(name="all", model="m2"))
    with pytest.raises(EndpointBusyError, match="Creating"):
        house.service.endpoints.update("live", "next")
    tick_until(house, EndpointStatus.IN_SERVICE)
    house.service.endpoints.update("live", "next")
    with pytest.raises(EndpointBusyError, match="Updating"):
        house.service.endpoints.update("live", "next")
    house.service.endpoints.delete("live")
    with pytest.raises(InvalidMoveError, match="Deleting"):
        house.service.endpoints.update("live", "next")
    house.service.supervisor.tick()
    assert house.service.book.addresses("live", "all") == ()
    assert not any(house.launcher.is_alive(program) for program in house.launcher._programs)


# --- weights and numbers of servers -----------------------------------------------------------------------------------


def serve_two(house: House) -> None:
    house.create_endpoint("live", Variant(name="a", model="m"), Variant(name="b", model="m", instance_count=2))
    tick_until(house, EndpointStatus.IN_SERVICE)


def test_other_weights_start_no_servers(house: House) -> None:
    serve_two(house)
    programs = dict(house.launcher._programs)
    house.service.endpoints.share("live", [Share(variant="a", weight=0.0)])
    endpoint = house.service.endpoints.get("live")
    assert (endpoint.status, endpoint.variants[0].weight) == (EndpointStatus.UPDATING, 1.0)
    endpoint = tick_until(house, EndpointStatus.IN_SERVICE)
    assert [(each.weight, each.instance_count) for each in endpoint.variants] == [(0.0, 1), (1.0, 2)]
    assert {invoke(house) for _ in range(20)} == {"b"}
    assert house.launcher._programs == programs


def test_more_servers_answer_beside_those_that_are_there_and_fewer_stay(house: House) -> None:
    serve_two(house)
    before = {name: house.service.book.addresses("live", name) for name in "ab"}
    house.service.endpoints.share("live", [Share(variant="a", instance_count=3), Share(variant="b", instance_count=1)])
    assert tick_until(house, EndpointStatus.IN_SERVICE).number == 0
    after = {name: house.service.book.addresses("live", name) for name in "ab"}
    assert (len(after["a"]), len(after["b"])) == (3, 1)
    assert set(before["a"]) < set(after["a"])
    assert set(after["b"]) < set(before["b"])
    house.service.supervisor.tick()
    assert count_servers(house) == 4
    assert (invoke(house) in "ab") is True


def test_added_servers_that_keep_dying_leave_what_was(house: House) -> None:
    serve_two(house)
    house.programs.failing_servers = 10
    house.service.endpoints.share("live", [Share(variant="a", instance_count=2, weight=5.0)])
    endpoint = tick_until(house, EndpointStatus.IN_SERVICE)
    assert (endpoint.variants[0].instance_count, endpoint.variants[0].weight) == (1, 1.0)
    assert "this model cannot be served" in endpoint.failure_reason
    assert count_servers(house) == 3


def test_a_replacement_follows_other_numbers_of_servers(house: House) -> None:
    serve_two(house)
    house.service.endpoints.share("live", [Share(variant="a", instance_count=2)])
    tick_until(house, EndpointStatus.IN_SERVICE)
    add_config(house, "next", Variant(name="c", model="m2"))
    house.service.endpoints.update("live", "next")
    tick_until(house, EndpointStatus.IN_SERVICE)
    house.service.supervisor.tick()
    assert (count_servers(house), invoke(house)) == (1, "c")


@pytest.mark.parametrize(
    ("shares", "error"),
    [
        ([Share(variant="none", weight=1.0)], VariantNotFoundError),
        ([Share(variant="a", instance_count=0)], InvalidRequestError),
        ([Share(variant="a", weight=1.0), Share(variant="a", weight=2.0)], InvalidRequestError),
    ],
)
def test_shares_that_cannot_be_are_refused(house: House, shares: list[Share], error: type[Exception]) -> None:
    serve_two(house)
    with pytest.raises(error):
        house.service.endpoints.share("live", shares)
    assert house.service.endpoints.get("live").status is EndpointStatus.IN_SERVICE


# --- health and traffic -----------------------------------------------------------------------------------------------


def test_traffic_is_split_by_weight(house: House) -> None:
    house.create_endpoint("live", Variant(name="a", model="m", weight=1.0), Variant(name="b", model="m", weight=3.0))
    tick_until(house, EndpointStatus.IN_SERVICE)
    counts = Counter(invoke(house) for _ in range(400))
    assert 260 <= counts["b"] <= 340, "400 draws at 0.75 have a standard deviation of 8.7"


def test_instances_share_the_requests_that_are_under_way(house: House) -> None:
    serve(house)
    book = house.service.book
    with book.borrow("live", "all", seconds=0) as one, book.borrow("live", "all", seconds=0) as two:
        assert {one, two} == set(book.addresses("live", "all"))


def tick_until_listed(house: House, count: int) -> None:
    def is_reached() -> bool:
        house.service.supervisor.tick()
        return len(house.service.book.addresses("live", "all")) == count

    wait_until(is_reached)


def test_a_request_waits_while_the_model_server_is_started_again(house: House) -> None:
    house.create_endpoint("live")
    tick_until(house, EndpointStatus.IN_SERVICE)
    (program,) = house.launcher._programs.values()
    program.stop()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(invoke, house)
        wait_until(lambda: house.service.book.addresses("live", "all") == ())
        house.service.supervisor.tick()
        tick_until_listed(house, 1)
        assert asked.result() == "all"


def test_a_silent_model_server_gets_no_requests_and_is_started_again(house: House) -> None:
    serve(house)
    first, second = house.service.book.addresses("live", "all")
    house.programs.silent.add(first)
    house.clock.advance(HEALTH_SECONDS)
    house.service.supervisor.tick()
    assert house.service.book.addresses("live", "all") == (second,)
    house.clock.advance(SILENT_SECONDS)
    house.service.supervisor.tick()
    tick_until_listed(house, 2)
    assert first not in house.service.book.addresses("live", "all")
