"""How endpoints are used and how fast they answer: counted by the minute, kept for two weeks."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gyropilot.service.changes import change_record
from gyropilot.service.errors import AlreadyExistsError, NotFoundError
from gyropilot.service.figures import Figures
from gyropilot.service.invocations import Exchange
from gyropilot.service.ports import Clock, Query, RecordStore
from gyropilot.service.records import MetricHour

log = logging.getLogger(__name__)

SAVE_SECONDS = 15.0
"""How often what was counted is stored: what a killed server loses at most."""
KEPT = timedelta(days=15)
"""How long: as CloudWatch keeps minutes."""
PURGE_COUNT = 1_000
"""How many old hours are removed at once."""
METRICS = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency", "OverheadLatency")
"""What is counted: values of 1 and 0 for each request, and its microseconds in the model and around it."""
LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets of latencies in `Total`; a last one has what is longer."""

Minutes = dict[int, dict[str, Figures]]
Counted = dict[tuple["Series", datetime], Minutes]
"""What was counted in the hours that begin then."""


class Series(NamedTuple):
    """What is counted together."""

    endpoint: str
    variant: str


@dataclass(kw_only=True)
class Latency:
    """All latencies since the server's start."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_SECONDS) + 1))
    """How many lie in each bucket."""
    seconds: float = 0.0
    """Their sum."""

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(LATENCY_SECONDS, seconds)] += 1
        self.seconds += seconds


@dataclass(kw_only=True)
class Total:
    """All requests of a series since the server's start."""

    statuses: Counter[str] = field(default_factory=Counter)
    """How many had a status of each class: `2xx`, `4xx`, `5xx`."""
    model: Latency = field(default_factory=Latency)
    """How long the model took."""
    overhead: Latency = field(default_factory=Latency)
    """How long everything else took."""


class _Request(NamedTuple):
    """What is counted of one request: named tuples are the quickest to make."""

    series: Series
    minute: int
    """Since 1970."""
    kind: str
    model_seconds: float
    overhead_seconds: float


class EndpointMetrics:
    """Counts requests, from many threads, and stores what was counted, from one."""

    def __init__(self, *, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._lock = threading.Lock()
        self._storing = threading.Lock()
        self._fresh: list[_Request] = []
        self._unsaved: Counted = {}
        self._totals: dict[Series, Total] = {}
        self._bell = threading.Event()

    def note(self, exchange: Exchange) -> None:
        """Count a request that was sent to a model."""
        series = Series(exchange.endpoint.name, exchange.variant)
        overhead = max(0.0, exchange.seconds - exchange.model_seconds)
        kind = f"{exchange.status // 100}xx"
        minute = int(self._clock().timestamp()) // 60
        request = _Request(series, minute, kind, exchange.model_seconds, overhead)
        with self._lock:
            self._fresh.append(request)
            total = self._totals.setdefault(series, Total())
            total.statuses[kind] += 1
            total.model.add(exchange.model_seconds)
            total.overhead.add(overhead)

    def totals(self) -> Mapping[Series, Total]:
        """Return what was counted since the server's start."""
        with self._lock:
            return deepcopy(self._totals)

    def read(self, series: Series, metric: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, Figures]]:
        """Yield the figures of every minute from `start` on and before `end` in which there were requests."""
        with self._storing:  # what is being stored is in neither place
            first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            hours = {hour.created_at: hour.minutes for hour in self._find_hours(series, first, end)}
            with self._lock:
                requests = [request for request in self._fresh if request.series == series]
            counted = _merge_hours(self._unsaved, _count(requests))
            fresh = {at: minutes for (each, at), minutes in counted.items() if each == series}
        for hour in sorted(hours.keys() | fresh.keys()):
            merged = _merge(hours.get(hour, {}), fresh.get(hour, {}))
            for minute in sorted(merged):
                at = hour + timedelta(minutes=minute)
                if start <= at < end and metric in merged[minute]:
                    yield at, merged[minute][metric]

    def run(self, stopped: threading.Event) -> None:
        """Store what was counted every so often until told to stop, and then once more."""
        while not stopped.is_set():
            self._bell.wait(SAVE_SECONDS)
            self.save()

    def wake(self) -> None:
        """Let `run` go on at once."""
        self._bell.set()

    def save(self) -> None:
        """Store what was counted, and remove what is too old; what cannot be stored is kept for the next time."""
        with self._storing:
            with self._lock:
                fresh, self._fresh = self._fresh, []
            self._unsaved = _merge_hours(self._unsaved, _count(fresh))
            for (series, hour), minutes in list(self._unsaved.items()):
                try:
                    self._store(series, hour, minutes)
                    del self._unsaved[series, hour]
                except Exception:
                    log.exception("the metrics of %s could not be stored, and are kept", series.endpoint)
        if fresh:
            self._purge()

    def _store(self, series: Series, hour: datetime, minutes: Minutes) -> None:
        name = f"{series.variant}/{hour:%Y-%m-%dT%H}"

        def change(stored: MetricHour) -> MetricHour:
            return replace(stored, minutes=_merge(stored.minutes, minutes), modified_at=self._clock())

        try:
            change_record(self._records, MetricHour, name, change, parent=series.endpoint)
        except NotFoundError:
            first = MetricHour(
                name=name,
                parent=series.endpoint,
                variant=series.variant,
                minutes=minutes,
                created_at=hour,
                modified_at=self._clock(),
            )
            try:
                self._records.insert(first)
            except AlreadyExistsError:  # another server was quicker
                change_record(self._records, MetricHour, name, change, parent=series.endpoint)

    def _find_hours(self, series: Series, first: datetime, end: datetime) -> Sequence[MetricHour]:
        query = Query(parent=series.endpoint, created_after=first - timedelta(microseconds=1), created_before=end)
        found = self._records.find(MetricHour, query)
        return [hour for hour in found if (hour.parent, hour.variant) == (series.endpoint, series.variant)]

    def _purge(self) -> None:
        old = Query(created_before=self._clock() - KEPT, limit=PURGE_COUNT)
        for hour in self._records.find(MetricHour, old):
            try:
                self._records.delete(MetricHour, hour.name, parent=hour.parent)
            except NotFoundError:
                continue


def _count(requests: Iterable[_Request]) -> Counted:
    grouped: defaultdict[tuple[Series, int], list[_Request]] = defaultdict(list)
    for request in requests:
        grouped[request.series, request.minute].append(request)
    counted: Counted = {}
    for (series, since_1970), group in grouped.items():
        hours, minute = divmod(since_1970, 60)
        hour = datetime.fromtimestamp(3600 * hours, UTC)
        values = {
            "Invocations": [1.0] * len(group),
            "Invocation4XXErrors": [float(request.kind == "4xx") for request in group],
            "Invocation5XXErrors": [float(request.kind == "5xx") for request in group],
            "ModelLatency": [1e6 * request.model_seconds for request in group],
            "OverheadLatency": [1e6 * request.overhead_seconds for request in group],
        }
        minutes = counted.setdefault((series, hour), {})
        minutes[minute] = {name: Figures.of(each) for name, each in values.items()}
    return counted


def _merge_hours(one: Counted, other: Counted) -> Counted:
    return {key: _merge(one.get(key, {}), other.get(key, {})) for key in one.keys() | other.keys()}


def _merge(one: Mapping[int, Mapping[str, Figures]], other: Mapping[int, Mapping[str, Figures]]) -> Minutes:
    merged: Minutes = {}
    for minute in one.keys() | other.keys():
        first, second = one.get(minute, {}), other.get(minute, {})
        merged[minute] = {
            name: first.get(name, Figures()) + second.get(name, Figures()) for name in first.keys() | second.keys()
        }
    return merged
