"""Metrics of endpoints, as CloudWatch tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gyropilot.api.documents.statistics import UNITS, parse_statistic
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import cut_page
from gyropilot.service.endpoint_metrics import METRICS, Series
from gyropilot.service.figures import Figures
from gyropilot.service.ports import Query

NAMESPACE = "AWS/SageMaker"
DIMENSIONS = ("EndpointName", "VariantName")
PAGE = 500
"""How many metrics a page of a list holds."""
MINUTE = 60


def list_metrics(context: Context, params: Params) -> Result:
    """List the metrics of endpoints that are there, or were asked since the server started."""
    found = (
        ((series.endpoint, series.variant, name), _describe_metric(series, name))
        for series in _find_series(context)
        for name in METRICS
    )
    wanted = [(key, metric) for key, metric in found if _is_wanted(metric, params)]
    metrics, more = cut_page(context, params, wanted, PAGE)
    return {"Metrics": metrics, **more}


def get_metric_statistics(context: Context, params: Params) -> Result:
    """Tell statistics of one metric for each period in which there were requests."""
    statistics, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    if not statistics and not extended:
        raise context.refuse("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    metric = {"Namespace": params["Namespace"], "MetricName": params["MetricName"]}
    metric["Dimensions"] = params.get("Dimensions", [])
    plain = {name: parse_statistic(name) for name in statistics}
    shares = {name: parse_statistic(name) for name in extended}
    unit = UNITS.get(params["MetricName"], "None")
    points = []
    for at, figures in _read(context, metric, params, params["Period"]) if params.get("Unit", unit) == unit else ():
        point = {"Timestamp": at, "Unit": unit, **{name: measure(figures) for name, measure in plain.items()}}
        if shares:
            point["ExtendedStatistics"] = {name: measure(figures) for name, measure in shares.items()}
        points.append(point)
    return {"Label": params["MetricName"], "Datapoints": points}


def get_metric_data(context: Context, params: Params) -> Result:
    """Tell one statistic of each of several metrics."""
    is_ascending = params.get("ScanBy", "TimestampDescending") == "TimestampAscending"
    results = []
    for query in params["MetricDataQueries"]:
        if "MetricStat" not in query:
            raise context.refuse(f"Gyropilot does not support Expression yet (query {query['Id']}). Use MetricStat.")
        if not query.get("ReturnData", True):
            continue
        asked = query["MetricStat"]
        measure = parse_statistic(asked["Stat"])
        name = asked["Metric"].get("MetricName", "")
        is_in_unit = asked.get("Unit", UNITS.get(name)) == UNITS.get(name)
        points = [
            (at, measure(figures))
            for at, figures in (_read(context, asked["Metric"], params, asked["Period"]) if is_in_unit else ())
        ]
        points.sort(reverse=not is_ascending)
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label", name),
                "Timestamps": [at for at, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": "Complete",
            }
        )
    return {"MetricDataResults": results, "Messages": []}


def _read(
    context: Context, metric: Mapping[str, Any], params: Params, period: int
) -> Iterator[tuple[datetime, Figures]]:
    """Yield the figures of each period in which there were requests, the earliest first.

    Raises:
        ApiError: when the period or the times cannot be.
    """
    start, end = params["StartTime"].astimezone(UTC), params["EndTime"].astimezone(UTC)
    if start >= end:
        raise context.refuse("The parameter StartTime must be less than the parameter EndTime.")
    if period % MINUTE:
        raise context.refuse(f"The parameter Period must be a multiple of {MINUTE}, not {period}.")
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    if metric.get("Namespace") != NAMESPACE or dimensions.keys() != set(DIMENSIONS):
        return
    series = Series(*(dimensions[name] for name in DIMENSIONS))
    gathered: dict[datetime, Figures] = {}
    first = _begin(start, MINUTE)
    for at, figures in context.service.metrics.read(series, metric.get("MetricName", ""), first, end):
        begins = max(_begin(at, period), first) if period > MINUTE else at
        gathered[begins] = gathered.get(begins, Figures()) + figures
    yield from sorted(gathered.items())


def _begin(at: datetime, period: int) -> datetime:
    """Return when the period of a time begins."""
    seconds = int(at.timestamp())
    return at.replace(microsecond=0) - timedelta(seconds=seconds % period)


def _find_series(context: Context) -> set[Series]:
    served = {
        Series(endpoint.name, variant.name)
        for endpoint in context.service.endpoints.find(Query())
        for variant in endpoint.variants
    }
    return served | context.service.metrics.totals().keys()


def _describe_metric(series: Series, name: str) -> dict[str, Any]:
    values = zip(DIMENSIONS, (series.endpoint, series.variant), strict=True)
    dimensions = [{"Name": dimension, "Value": value} for dimension, value in values]
    return {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions}


def _is_wanted(metric: Mapping[str, Any], params: Params) -> bool:
    values = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    return (
        params.get("Namespace", NAMESPACE) == NAMESPACE
        and params.get("MetricName", metric["MetricName"]) == metric["MetricName"]
        and all(
            each["Name"] in values and each.get("Value", values[each["Name"]]) == values[each["Name"]]
            for each in params.get("Dimensions", [])
        )
    )
