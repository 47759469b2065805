"""Endpoints that are to serve something else; the model of the tests answers with what it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.service.endpoints import INVOCATION_SECONDS
from gyropilot.service.errors import EndpointBusyError, InvalidMoveError, NotFoundError
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
    return house.service.endpoints.invoke("live", b"1", {})[0]


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
    house.service.endpoints.update("live", "next")
    tick_until(house, EndpointStatus.IN_SERVICE)
    house.clock.advance(INVOCATION_SECONDS - 1)
    house.service.supervisor.tick()
    assert house.service.book.addresses("live", "all") == before
    assert house.service.endpoints._client.invoke(before[0], b"late", {}).body == b"late"
    house.clock.advance(1)
    house.service.supervisor.tick()
    assert house.service.book.addresses("live", "all") == ()
    assert sum(map(house.launcher.is_alive, house.launcher._programs)) == 1
    assert invoke(house) == "other"


def test_a_variant_of_the_same_name_has_new_servers(house: House, tmp_path: Path) -> None:
    serve(house)
    before = house.service.book.addresses("live", "all")
    add_config(house, "next", Variant(name="all", model="m2"))
    house.service.endpoints.update("live", "next")
    tick_until(house, EndpointStatus.IN_SERVICE)
    after = house.service.book.addresses("live", "all")
    assert (len(before), len(after), set(before) & set(after)) == (2, 1, set())
    house.clock.advance(INVOCATION_SECONDS)
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
