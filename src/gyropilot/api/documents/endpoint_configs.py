"""Endpoint configurations as AWS's documents."""

from __future__ import annotations

from typing import Any

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.identity import Identity
from gyropilot.service.records import AsyncPlaces, Capture, EndpointConfig, Variant

NOT_YET = ("ExplainerConfig", "ShadowProductionVariants", "MetricsConfig")
"""Members of the request that ask for what Gyropilot does not do yet."""

HINTS = ("ManagedInstanceScaling", "RoutingConfig", "ServerlessConfig")
"""Members of a variant that mean nothing here and are shown where the endpoint is."""


def read_variants(params: dict[str, Any]) -> tuple[Variant, ...]:
    """Return the variants of a create request.

    Raises:
        InvalidRequestError: when they contradict each other or ask for what Gyropilot does not do yet.
    """
    for name in NOT_YET:
        if params.get(name):
            raise InvalidRequestError(f"Gyropilot does not support {name} yet. Leave it out.")
    variants = tuple(_read_variant(variant) for variant in params["ProductionVariants"])
    if len({variant.name for variant in variants}) < len(variants):
        raise InvalidRequestError("Production variants must have different names.")
    return variants


def read_capture(params: dict[str, Any]) -> Capture | None:
    """Return which requests a create request wants to be written down; None: it does not say."""
    config = params.get("DataCaptureConfig")
    if config is None:
        return None
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    kinds = config.get("CaptureContentTypeHeader", {})
    return Capture(
        is_enabled=config.get("EnableCapture", True),
        percentage=config["InitialSamplingPercentage"],
        destination=config["DestinationS3Uri"],
        captures_input=bool(modes & {"Input", "InputAndOutput"}),
        captures_output=bool(modes & {"Output", "InputAndOutput"}),
        csv_types=tuple(kinds.get("CsvContentTypes", ())),
        json_types=tuple(kinds.get("JsonContentTypes", ())),
    )


def read_async_places(params: dict[str, Any]) -> AsyncPlaces | None:
    """Return where the answers to asynchronous invocations go; None: there are none.

    Raises:
        InvalidRequestError: when that is not said, or notifications are asked for.
    """
    config = params.get("AsyncInferenceConfig")
    if config is None:
        return None
    output = config["OutputConfig"]
    if "S3OutputPath" not in output:
        raise InvalidRequestError("AsyncInferenceConfig.OutputConfig must have an S3OutputPath.")
    if output.get("NotificationConfig"):
        raise InvalidRequestError(
            "Gyropilot does not support AsyncInferenceConfig.OutputConfig.NotificationConfig yet. Leave it out."
        )
    return AsyncPlaces(
        output_uri=output["S3OutputPath"],
        failure_uri=output.get("S3FailurePath", ""),
        max_per_instance=config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance"),
    )


def _read_variant(variant: dict[str, Any]) -> Variant:
    if "ModelName" not in variant:
        raise InvalidRequestError(
            "A production variant must have a ModelName; Gyropilot has no inference components yet."
        )
    return Variant(
        name=variant["VariantName"],
        model=variant["ModelName"],
        instance_count=variant.get("InitialInstanceCount", 1),
        weight=float(variant.get("InitialVariantWeight", 1.0)),
        hints={name: variant[name] for name in HINTS if name in variant},
    )


def describe_endpoint_config(config: EndpointConfig, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeEndpointConfig`."""
    document = {name: value for name, value in config.request.items() if name != "Tags"}
    document["ProductionVariants"] = [
        {**variant, "InitialVariantWeight": variant.get("InitialVariantWeight", 1.0)}
        for variant in config.request["ProductionVariants"]
    ]
    return {**document, **summarize_endpoint_config(config, identity)}


def summarize_endpoint_config(config: EndpointConfig, identity: Identity) -> dict[str, Any]:
    """Return an `EndpointConfigSummary`."""
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": identity.endpoint_config_arn(config.name),
        "CreationTime": config.created_at,
    }
