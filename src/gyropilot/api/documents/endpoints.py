"""Endpoints as AWS's documents."""

from __future__ import annotations

from typing import Any

from gyropilot.service.identity import Identity
from gyropilot.service.records import Endpoint, Variant
from gyropilot.service.states import EndpointStatus


def describe_endpoint(endpoint: Endpoint, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeEndpoint`; variants are shown once they serve."""
    document = {**summarize_endpoint(endpoint, identity), "EndpointConfigName": endpoint.config}
    if endpoint.status is EndpointStatus.IN_SERVICE:
        document["ProductionVariants"] = [_describe_variant(endpoint, variant) for variant in endpoint.variants]
    if endpoint.failure_reason:
        document["FailureReason"] = endpoint.failure_reason[:1024]
    return document


def summarize_endpoint(endpoint: Endpoint, identity: Identity) -> dict[str, Any]:
    """Return an `EndpointSummary`."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": identity.endpoint_arn(endpoint.name),
        "EndpointStatus": endpoint.status.value,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
    }


def _describe_variant(endpoint: Endpoint, variant: Variant) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": container.image,
                "ResolvedImage": container.image,
                "ResolutionTime": endpoint.created_at,
            }
            for container in endpoint.containers[variant.name]
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.instance_count,
        "DesiredInstanceCount": variant.instance_count,
    }
