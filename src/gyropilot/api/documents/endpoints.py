"""Endpoints as AWS's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyropilot.service.endpoints import Share
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.identity import Identity
from gyropilot.service.records import AsyncPlaces, Capture, Endpoint, Variant


def describe_endpoint(endpoint: Endpoint, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeEndpoint`; variants are shown once they serve."""
    document = {**summarize_endpoint(endpoint, identity), "EndpointConfigName": endpoint.config}
    if endpoint.status.serves:
        document["ProductionVariants"] = [_describe_variant(endpoint, variant) for variant in endpoint.variants]
    if endpoint.update is not None and endpoint.update.number != endpoint.number:
        document["PendingDeploymentSummary"] = {
            "EndpointConfigName": endpoint.update.config,
            "ProductionVariants": [{"VariantName": variant.name} for variant in endpoint.update.variants],
            "StartTime": endpoint.updated_at,
        }
    if endpoint.capture is not None:
        document["DataCaptureConfig"] = _describe_capture(endpoint.capture, serves=endpoint.status.serves)
    if endpoint.asynchronous is not None:
        document["AsyncInferenceConfig"] = _describe_async(endpoint.asynchronous)
    if endpoint.failure_reason:
        document["FailureReason"] = endpoint.failure_reason[:1024]
    return document


KEPT = {"DesiredWeight": "weight", "DesiredInstanceCount": "instance_count", "DataCaptureConfig": "capture"}
"""Properties of variants that an update may leave as they are, and what they are called inside."""


def read_kept(params: dict[str, Any]) -> tuple[str, ...]:
    """Return which properties of variants an update leaves as they are."""
    if not params.get("RetainAllVariantProperties"):
        return ()
    changed = {each["VariantPropertyType"] for each in params.get("ExcludeRetainedVariantProperties", ())}
    return tuple(field for name, field in KEPT.items() if name not in changed)


def read_shares(params: dict[str, Any]) -> tuple[Share, ...]:
    """Return which weights and numbers of servers variants are to have.

    Raises:
        InvalidRequestError: when one is to have a serverless capacity.
    """
    for each in params["DesiredWeightsAndCapacities"]:
        if "ServerlessUpdateConfig" in each:
            raise InvalidRequestError(
                f"Gyropilot does not support ServerlessUpdateConfig (variant {each['VariantName']}). "
                "Set DesiredInstanceCount."
            )
    return tuple(
        Share(
            variant=each["VariantName"],
            weight=each.get("DesiredWeight"),
            instance_count=each.get("DesiredInstanceCount"),
        )
        for each in params["DesiredWeightsAndCapacities"]
    )


def check_deployment_config(params: dict[str, Any]) -> None:
    """Check that an endpoint is to go over to an update at once: nothing else is there yet.

    Raises:
        InvalidRequestError: when it is not.
    """
    config = params.get("DeploymentConfig", {})
    for name in ("RollingUpdatePolicy", "AutoRollbackConfiguration"):
        if config.get(name):
            raise InvalidRequestError(f"Gyropilot does not support DeploymentConfig.{name} yet. Leave it out.")
    kind = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "ALL_AT_ONCE")
    if kind != "ALL_AT_ONCE":
        raise InvalidRequestError(f"Gyropilot does not support traffic routing of type {kind} yet. Use ALL_AT_ONCE.")


def summarize_endpoint(endpoint: Endpoint, identity: Identity) -> dict[str, Any]:
    """Return an `EndpointSummary`."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": identity.endpoint_arn(endpoint.name),
        "EndpointStatus": endpoint.status.value,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
    }


def _describe_capture(capture: Capture, *, serves: bool) -> dict[str, Any]:
    return {
        "EnableCapture": capture.is_enabled,
        "CaptureStatus": "Started" if capture.is_enabled and serves else "Stopped",
        "CurrentSamplingPercentage": capture.percentage,
        "DestinationS3Uri": capture.destination,
        "KmsKeyId": "",
    }


def _describe_async(places: AsyncPlaces) -> dict[str, Any]:
    output = {"S3OutputPath": places.output_uri}
    if places.failure_uri:
        output["S3FailurePath"] = places.failure_uri
    document: dict[str, Any] = {"OutputConfig": output}
    if places.max_per_instance is not None:
        document["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": places.max_per_instance}
    return document


def _describe_variant(endpoint: Endpoint, variant: Variant) -> dict[str, Any]:
    desired = {each.name: each for each in endpoint.update.variants}.get(variant.name) if endpoint.update else None
    desired = desired or variant
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": container.image,
                "ResolvedImage": container.image,
                "ResolutionTime": endpoint.updated_at or endpoint.created_at,
            }
            for container in endpoint.containers[variant.name]
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": desired.weight,
        "CurrentInstanceCount": variant.instance_count,
        "DesiredInstanceCount": desired.instance_count,
        **_describe_hints(variant.hints),
    }


def _describe_hints(hints: Mapping[str, Any]) -> dict[str, Any]:
    document = {name: value for name, value in hints.items() if name != "ServerlessConfig"}
    if "ServerlessConfig" in hints:
        document |= dict.fromkeys(("CurrentServerlessConfig", "DesiredServerlessConfig"), hints["ServerlessConfig"])
    return document
