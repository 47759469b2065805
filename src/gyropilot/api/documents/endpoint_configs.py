"""Endpoint configurations as AWS's documents."""

from __future__ import annotations

from typing import Any

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.identity import Identity
from gyropilot.service.records import EndpointConfig, Variant

NOT_YET = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants", "MetricsConfig")
"""Members of the request that ask for what Gyropilot does not do yet."""


def read_variants(params: dict[str, Any]) -> tuple[Variant, ...]:
    """Return the variants of a create request.

    Raises:
        InvalidRequestError: when they contradict each other or ask for what Gyropilot does not do yet.
    """
    for name in NOT_YET:
        if params.get(name):
            raise InvalidRequestError(f"Gyropilot does not support {name} yet. Leave it out.")
    if params.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise InvalidRequestError("Gyropilot does not support DataCaptureConfig yet. Leave it out.")
    variants = tuple(_read_variant(variant) for variant in params["ProductionVariants"])
    if len({variant.name for variant in variants}) < len(variants):
        raise InvalidRequestError("Production variants must have different names.")
    return variants


def _read_variant(variant: dict[str, Any]) -> Variant:
    if "ModelName" not in variant:
        raise InvalidRequestError(
            "A production variant must have a ModelName; Gyropilot has no inference components yet."
        )
    if variant.get("ManagedInstanceScaling", {}).get("Status") == "ENABLED":
        raise InvalidRequestError("Gyropilot does not support ManagedInstanceScaling yet. Leave it out.")
    return Variant(
        name=variant["VariantName"],
        model=variant["ModelName"],
        instance_count=variant.get("InitialInstanceCount", 1),
        weight=float(variant.get("InitialVariantWeight", 1.0)),
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
