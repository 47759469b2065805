"""The metrics of endpoints, at the page of Prometheus and by CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from gyropilot.service.access import Role
from gyropilot.service.states import EndpointStatus
from tests.wire.installation import IDENTITY, ROLE, Installation, key_of, run_installation
from tests.wire.requests import refused

DIMENSIONS = [{"Name": "EndpointName", "Value": "Asked"}, {"Name": "VariantName", "Value": "v"}]
METRIC = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": DIMENSIONS}
NAMES = {"Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency", "OverheadLatency"}


@pytest.fixture(scope="module")
def asked() -> Iterator[Installation]:
    """An endpoint that answered three requests, one of them with 400 and one with 500."""
    with run_installation() as installation:
        s3, sagemaker = installation.client("s3"), installation.client("sagemaker")
        s3.create_bucket(Bucket="metrics")
        s3.put_object(Bucket="metrics", Key="model.tar.gz", Body=b"a model")
        container = {"Image": IDENTITY.ensembling_image, "ModelDataUrl": "s3://metrics/model.tar.gz"}
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="Asked", EndpointConfigName="c")
        installation.service.book.write("Asked", "v", ["http://model"])
        installation.service.endpoints.move("Asked", EndpointStatus.IN_SERVICE)
        runtime = installation.client("sagemaker-runtime")
        for status in (200, 400, 500):
            installation.model.status = status
            with suppress(runtime.exceptions.ModelError):
                runtime.invoke_endpoint(EndpointName="Asked", Body=b"1")
        yield installation


def span() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}


def query(name: str, stat: str, **changes: Any) -> dict[str, Any]:
    return {
        "Id": "q",
        "MetricStat": {"Metric": {**METRIC, "MetricName": name}, "Period": 3600, "Stat": stat},
        **changes,
    }


@pytest.mark.parametrize("path", ["/metrics", "/_gyropilot/metrics"])
def test_prometheus_reads_the_page(asked: Installation, path: str) -> None:
    answer = urllib3.request("GET", asked.url + path)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name: family.samples for family in text_string_to_metric_families(answer.data.decode())}
    counts = {sample.labels["status"]: sample.value for sample in families["gyropilot_endpoint_invocations"]}
    assert counts == {"2xx": 1.0, "4xx": 1.0, "5xx": 1.0}
    for name in ("model", "overhead"):
        samples = families[f"gyropilot_endpoint_{name}_latency_seconds"]
        assert all((sample.labels["endpoint"], sample.labels["variant"]) == ("Asked", "v") for sample in samples)
        assert [sample.value for sample in samples if sample.name.endswith("_count")] == [3.0]
        values = [sample.value for sample in samples if sample.name.endswith("_bucket")]
        assert values == sorted(values)
        assert values[-1] == 3.0


def test_web_pages_and_other_machines_do_not_read_them(asked: Installation) -> None:
    for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}, {"x-forwarded-for": "203.0.113.9"}):
        assert urllib3.request("GET", f"{asked.url}/metrics", headers=headers).status == 403


@pytest.mark.parametrize(("readers", "status"), [("anyone", 200), ("nobody", 403)])
def test_who_may_read_them_is_a_setting(readers: str, status: int) -> None:
    with run_installation(metrics_readers=readers) as installation:
        headers = {"x-forwarded-for": "203.0.113.9"}
        assert urllib3.request("GET", f"{installation.url}/metrics", headers=headers).status == status


def test_a_bucket_may_be_called_metrics(asked: Installation) -> None:
    assert asked.client("s3").list_objects_v2(Bucket="metrics")["KeyCount"] == 1
    assert [each["Key"] for each in asked.client("s3").list_objects(Bucket="metrics")["Contents"]] == ["model.tar.gz"]


def test_metrics_are_listed(asked: Installation) -> None:
    cloudwatch = asked.client("cloudwatch")
    found = cloudwatch.list_metrics(Namespace="AWS/SageMaker")["Metrics"]
    assert {metric["MetricName"] for metric in found} == NAMES
    assert all(metric["Dimensions"] == DIMENSIONS for metric in found)
    assert cloudwatch.list_metrics(MetricName="Invocations")["Metrics"] == [METRIC]
    assert cloudwatch.list_metrics(Dimensions=[{"Name": "VariantName"}])["Metrics"] == found
    for nothing in ({"Namespace": "AWS/EC2"}, {"Dimensions": [{"Name": "EndpointName", "Value": "None"}]}):
        assert cloudwatch.list_metrics(**nothing)["Metrics"] == []


def test_statistics_are_told(asked: Installation) -> None:
    cloudwatch = asked.client("cloudwatch")
    (point,) = cloudwatch.get_metric_statistics(
        **{**METRIC, "MetricName": "Invocation4XXErrors"},
        **span(),
        Period=86_400,
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
    )["Datapoints"]
    del point["Timestamp"]
    told = {"SampleCount": 3.0, "Sum": 1.0, "Average": 1 / 3, "Minimum": 0.0, "Maximum": 1.0, "Unit": "None"}
    assert point == pytest.approx(told)
    latency = {**METRIC, "MetricName": "ModelLatency"}
    (point,) = cloudwatch.get_metric_statistics(
        **latency, **span(), Period=86_400, ExtendedStatistics=["p50", "p99"], Unit="Microseconds"
    )["Datapoints"]
    assert 0 < point["ExtendedStatistics"]["p50"] <= point["ExtendedStatistics"]["p99"] < 1e6
    assert point["Unit"] == "Microseconds"
    assert (
        cloudwatch.get_metric_statistics(**latency, **span(), Period=60, Statistics=["Sum"], Unit="Bytes")["Datapoints"]
        == []
    )


def test_several_metrics_are_told_at_once(asked: Installation) -> None:
    queries = [
        {**query("Invocations", "Sum"), "Id": "all"},
        {**query("ModelLatency", "Average"), "Id": "latency", "Label": "how long"},
        {**query("Invocation5XXErrors", "Sum"), "Id": "hidden", "ReturnData": False},
        {**query("Nothing", "Sum"), "Id": "none"},
    ]
    found = asked.client("cloudwatch").get_metric_data(MetricDataQueries=queries, **span())["MetricDataResults"]
    assert [(each["Id"], each["Label"], each["StatusCode"]) for each in found] == [
        ("all", "Invocations", "Complete"),
        ("latency", "how long", "Complete"),
        ("none", "Nothing", "Complete"),
    ]
    assert sum(found[0]["Values"]) == 3.0
    assert len(found[0]["Timestamps"]) == len(found[0]["Values"])
    assert found[2]["Values"] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MetricDataQueries": [{"Id": "q", "Expression": "a+b"}]}, "does not support Expression yet (query q)"),
        ({"MetricDataQueries": [query("Invocations", "tm99")]}, "The statistic 'tm99' is not supported."),
        ({"StartTime": datetime(2030, 1, 1, tzinfo=UTC)}, "StartTime must be less than"),
        (
            {"MetricDataQueries": [{"Id": "q", "MetricStat": {"Metric": METRIC, "Period": 90, "Stat": "Sum"}}]},
            "Period must be a multiple of 60, not 90.",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(asked: Installation, changes: dict[str, Any], message: str) -> None:
    request = {"MetricDataQueries": [query("Invocations", "Sum")], **span(), **changes}
    with pytest.raises(ClientError) as error:
        asked.client("cloudwatch").get_metric_data(**request)
    assert refused(error)[0] == "InvalidParameterValueException"
    assert message in refused(error)[1]


def test_who_may_only_invoke_is_told_nothing(asked: Installation) -> None:
    with pytest.raises(ClientError) as error:
        asked.client("cloudwatch", key=key_of(Role.INVOKE)).list_metrics()
    assert refused(error)[0] == "AccessDeniedException"
