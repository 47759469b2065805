"""Tags of resources."""

from __future__ import annotations

from gyropilot.api.documents.tags import describe_tags, read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import read_token


def add_tags(context: Context, params: Params) -> Result:
    """Set tags of a resource and show all that it has."""
    return {"Tags": describe_tags(context.service.tags.add(params["ResourceArn"], read_tags(params)))}


def list_tags(context: Context, params: Params) -> Result:
    """Show the tags of a resource: all of them, since a page holds as many as there may be."""
    read_token(context, params)
    return {"Tags": describe_tags(context.service.tags.get(params["ResourceArn"]))}


def delete_tags(context: Context, params: Params) -> Result:
    """Remove tags of a resource."""
    context.service.tags.remove(params["ResourceArn"], params["TagKeys"])
    return {}
