"""What is counted of requests, by the minute, and what a restart leaves of it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from gyropilot.service.endpoint_metrics import KEPT, EndpointMetrics, Series
from gyropilot.service.errors import ConflictError, ModelAnsweredError, ModelUnreachableError
from gyropilot.service.figures import Figures, add_all
from gyropilot.service.invocations import Exchange, Invocation
from gyropilot.service.ports import Answer, Query
from gyropilot.service.records import Endpoint, MetricHour, Record
from gyropilot.service.states import EndpointStatus
from gyropilot.storage.records_memory import MemoryRecordStore
from gyropilot.testing.waiting import wait_until
from tests.unit.service.house import BEGINNING, HandClock, House

SERIES = Series("live", "all")
ENDPOINT = Endpoint(name="live", config="c", variants=(), containers={}, created_at=BEGINNING, modified_at=BEGINNING)
HOUR = timedelta(hours=1)


def note(metrics: EndpointMetrics, status: int = 200, model: float = 0.002, whole: float = 0.003) -> None:
    metrics.note(
        Exchange(
            endpoint=ENDPOINT,
            variant="all",
            invocation=Invocation(endpoint="live", body=b"", headers={}),
            answer=Answer(status=status, headers={}, body=b""),
            status=status,
            model_seconds=model,
            seconds=whole,
        )
    )


def read(metrics: EndpointMetrics, name: str = "Invocations", **changes: Any) -> list[tuple[int, Figures]]:
    """Return the minutes since the beginning with their figures."""
    span = {"start": BEGINNING, "end": BEGINNING + KEPT, **changes}
    return [((at - BEGINNING) // timedelta(minutes=1), each) for at, each in metrics.read(SERIES, name, **span)]


def sums(metrics: EndpointMetrics, name: str = "Invocations", **changes: Any) -> dict[int, float]:
    return {minute: figures.total for minute, figures in read(metrics, name, **changes)}


def test_minutes_are_counted(house: House) -> None:
    metrics = house.service.metrics
    for status in (200, 200, 400, 503):
        note(metrics, status)
    house.clock.advance(60)
    note(metrics, model=0.004, whole=0.0065)
    assert sums(metrics) == {0: 4.0, 1: 1.0}
    assert sums(metrics, "Invocation4XXErrors") == {0: 1.0, 1: 0.0}
    assert sums(metrics, "Invocation5XXErrors") == {0: 1.0, 1: 0.0}
    (_, first), (_, second) = read(metrics, "ModelLatency")
    assert (first.count, first.least, first.greatest) == (4, 2000.0, 2000.0)
    assert second.total == 4000.0
    assert sums(metrics, "OverheadLatency")[1] == pytest.approx(2500.0)
    assert read(metrics, "None") == []


def test_what_is_stored_survives_and_adds_up(house: House) -> None:
    metrics = house.service.metrics
    note(metrics)
    metrics.save()
    note(metrics)
    metrics.save()
    note(metrics)
    house.clock.advance(3600)
    note(metrics)
    assert sums(metrics) == {0: 3.0, 60: 1.0}
    metrics.save()
    assert sums(EndpointMetrics(records=house.records, clock=house.clock)) == {0: 3.0, 60: 1.0}
    assert len(house.records.find(MetricHour, Query())) == 2


def test_the_span_is_kept_to(house: House) -> None:
    metrics = house.service.metrics
    for _ in range(4):
        note(metrics)
        house.clock.advance(1800)
    metrics.save()
    start = BEGINNING + timedelta(minutes=30)
    assert sums(metrics, start=start) == {30: 1.0, 60: 1.0, 90: 1.0}
    assert sums(metrics, end=start) == {0: 1.0}
    assert sums(metrics, start=start, end=start + timedelta(minutes=1)) == {30: 1.0}


def test_what_is_old_is_removed(house: House) -> None:
    metrics = house.service.metrics
    note(metrics)
    metrics.save()
    house.clock.advance((KEPT + HOUR).total_seconds())
    note(metrics)
    metrics.save()
    assert [hour.created_at for hour in house.records.find(MetricHour, Query())] == [BEGINNING + KEPT + HOUR]


class FullStore(MemoryRecordStore):
    """A store that takes nothing for a while."""

    is_full = True

    def insert(self, record: Any) -> Any:
        if self.is_full:
            raise ConflictError(Record.__name__, record.name)
        return super().insert(record)


def test_what_cannot_be_stored_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    store = FullStore()
    metrics = EndpointMetrics(records=store, clock=HandClock())
    note(metrics)
    metrics.save()
    assert "could not be stored" in caplog.text
    note(metrics)
    assert sums(metrics) == {0: 2.0}
    store.is_full = False
    metrics.save()
    assert sums(EndpointMetrics(records=store, clock=HandClock())) == {0: 2.0}


def test_invocations_are_counted_with_what_became_of_them(house: House) -> None:
    house.create_endpoint()

    def is_in_service() -> bool:
        house.service.supervisor.tick()
        return house.service.endpoints.get("live").status is EndpointStatus.IN_SERVICE

    wait_until(is_in_service)
    house.invoke()
    with pytest.raises(ModelAnsweredError):
        house.invoke(body=b"fail")
    house.programs.broken = True
    with pytest.raises(ModelUnreachableError):
        house.invoke()
    assert house.service.metrics.totals()[SERIES].statuses == {"2xx": 1, "4xx": 1, "5xx": 1}
    assert sums(house.service.metrics, "Invocation5XXErrors") == {0: 1.0}


def test_totals_have_histograms(house: House) -> None:
    metrics = house.service.metrics
    for seconds in (0.0005, 0.001, 0.0011, 100.0):
        note(metrics, model=seconds, whole=seconds)
    total = metrics.totals()[SERIES]
    assert (total.model.counts[0], total.model.counts[1], total.model.counts[-1]) == (2, 1, 1)
    assert total.model.seconds == pytest.approx(100.0026)
    assert total.statuses == {"2xx": 4}


def test_figures_of_parts_are_those_of_the_whole() -> None:
    dice = random.Random(1)
    values = [dice.lognormvariate(7, 1) for _ in range(2000)]
    whole = Figures.of(values)
    parts = add_all(Figures.of(values[start : start + 100]) for start in range(0, 2000, 100))
    assert (parts.count, parts.least, parts.greatest, parts.buckets) == (2000, min(values), max(values), whole.buckets)
    assert parts.total == pytest.approx(sum(values))
    ordered = sorted(values)
    for share in (0.01, 0.5, 0.9, 0.99):
        assert whole.percentile(share) == pytest.approx(ordered[int(share * 2000) - 1], rel=0.051)
    assert whole.percentile(1.0) == pytest.approx(max(values), rel=0.051)
    assert Figures.of([0.0, 0.0]).percentile(0.5) == 0.0
