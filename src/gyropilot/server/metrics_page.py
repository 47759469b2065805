"""What endpoints counted, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gyropilot.service.endpoint_metrics import LATENCY_SECONDS, EndpointMetrics, Latency

CONTENT_TYPE = CONTENT_TYPE_LATEST
LABELS = ("endpoint", "variant")


def write_metrics(metrics: EndpointMetrics) -> bytes:
    """Return the page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Endpoints(metrics))
    return generate_latest(registry)


class _Endpoints(Collector):
    """Reads the totals anew for each page: counting costs no more than it does without Prometheus."""

    def __init__(self, metrics: EndpointMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        invocations = CounterMetricFamily(
            "gyropilot_endpoint_invocations",
            "Requests that were sent to a model, by the class of the answer's status.",
            labels=(*LABELS, "status"),
        )
        model = HistogramMetricFamily(
            "gyropilot_endpoint_model_latency_seconds", "How long the model took.", labels=LABELS
        )
        overhead = HistogramMetricFamily(
            "gyropilot_endpoint_overhead_latency_seconds", "How long all but the model took.", labels=LABELS
        )
        for series, total in self._metrics.totals().items():
            labels = (series.endpoint, series.variant)
            for status, count in sorted(total.statuses.items()):
                invocations.add_metric((*labels, status), count)
            model.add_metric(labels, _buckets(total.model), total.model.seconds)
            overhead.add_metric(labels, _buckets(total.overhead), total.overhead.seconds)
        yield from (invocations, model, overhead)


def _buckets(latency: Latency) -> list[tuple[str, float]]:
    """Return the bounds with how many lie below each."""
    bounds = [*map(str, LATENCY_SECONDS), "+Inf"]
    passed = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip(bounds, list(latency.counts), strict=True):
        passed += count
        buckets.append((bound, float(passed)))
    return buckets
