"""Models."""

from __future__ import annotations

from gyropilot.api.documents.models import describe_model as describe
from gyropilot.api.documents.models import read_containers, summarize_model
from gyropilot.api.documents.tags import read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query

ORDERS = {"Name": "name", "CreationTime": "created_at"}


def create_model(context: Context, params: Params) -> Result:
    """Store a model."""
    containers = read_containers(params)
    model = context.service.models.create(params["ModelName"], params, containers, tags=read_tags(params))
    return {"ModelArn": context.service.identity.model_arn(model.name)}


def describe_model(context: Context, params: Params) -> Result:
    """Show a model."""
    return describe(context.service.models.get(params["ModelName"]), context.service.identity)


def list_models(context: Context, params: Params) -> Result:
    """List models: the newest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )
    models, more = find_page(context, params, context.service.models.find, query)
    return {"Models": [summarize_model(model, context.service.identity) for model in models], **more}


def delete_model(context: Context, params: Params) -> Result:
    """Remove a model's record; its archive stays."""
    context.service.models.delete(params["ModelName"])
    return {}
