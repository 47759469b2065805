"""Endpoints."""

from __future__ import annotations

from gyropilot.api.documents.endpoints import check_deployment_config, read_kept, read_shares, summarize_endpoint
from gyropilot.api.documents.endpoints import describe_endpoint as describe
from gyropilot.api.documents.tags import read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}


def create_endpoint(context: Context, params: Params) -> Result:
    """Start to serve what a configuration describes."""
    name, config, tags = params["EndpointName"], params["EndpointConfigName"], read_tags(params)
    endpoint = context.service.endpoints.create(name, config, tags=tags)
    return {"EndpointArn": context.service.identity.endpoint_arn(endpoint.name)}


def update_endpoint(context: Context, params: Params) -> Result:
    """Begin to serve what another configuration describes."""
    check_deployment_config(params)
    name, config = params["EndpointName"], params["EndpointConfigName"]
    endpoint = context.service.endpoints.update(name, config, kept=read_kept(params))
    return {"EndpointArn": context.service.identity.endpoint_arn(endpoint.name)}


def update_endpoint_weights_and_capacities(context: Context, params: Params) -> Result:
    """Begin to share the traffic otherwise, with other numbers of model servers."""
    endpoint = context.service.endpoints.share(params["EndpointName"], read_shares(params))
    return {"EndpointArn": context.service.identity.endpoint_arn(endpoint.name)}


def describe_endpoint(context: Context, params: Params) -> Result:
    """Show an endpoint."""
    return describe(context.service.endpoints.get(params["EndpointName"]), context.service.identity)


def list_endpoints(context: Context, params: Params) -> Result:
    """List endpoints: the newest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )
    endpoints, more = find_page(context, params, context.service.endpoints.find, query)
    return {"Endpoints": [summarize_endpoint(endpoint, context.service.identity) for endpoint in endpoints], **more}


def delete_endpoint(context: Context, params: Params) -> Result:
    """Begin to take an endpoint down."""
    context.service.endpoints.delete(params["EndpointName"])
    return {}
