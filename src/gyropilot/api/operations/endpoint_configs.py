"""Endpoint configurations."""

from __future__ import annotations

from gyropilot.api.documents.endpoint_configs import describe_endpoint_config as describe
from gyropilot.api.documents.endpoint_configs import (
    read_async_places,
    read_capture,
    read_variants,
    summarize_endpoint_config,
)
from gyropilot.api.documents.tags import read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query

ORDERS = {"Name": "name", "CreationTime": "created_at"}


def create_endpoint_config(context: Context, params: Params) -> Result:
    """Store an endpoint configuration."""
    variants = read_variants(params)
    name, tags = params["EndpointConfigName"], read_tags(params)
    capture = read_capture(params)
    if capture is not None and capture.is_enabled:
        context.service.jobs.data.check_output(capture.destination)
    asynchronous = read_async_places(params)
    if asynchronous is not None:
        for uri in filter(None, (asynchronous.output_uri, asynchronous.failure_uri)):
            context.service.jobs.data.check_output(uri)
    config = context.service.endpoint_configs.create(
        name, params, variants, capture=capture, asynchronous=asynchronous, tags=tags
    )
    return {"EndpointConfigArn": context.service.identity.endpoint_config_arn(config.name)}


def describe_endpoint_config(context: Context, params: Params) -> Result:
    """Show an endpoint configuration."""
    return describe(context.service.endpoint_configs.get(params["EndpointConfigName"]), context.service.identity)


def list_endpoint_configs(context: Context, params: Params) -> Result:
    """List endpoint configurations: the newest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )
    configs, more = find_page(context, params, context.service.endpoint_configs.find, query)
    identity = context.service.identity
    return {"EndpointConfigs": [summarize_endpoint_config(config, identity) for config in configs], **more}


def delete_endpoint_config(context: Context, params: Params) -> Result:
    """Remove an endpoint configuration; endpoints made from it go on."""
    context.service.endpoint_configs.delete(params["EndpointConfigName"])
    return {}
