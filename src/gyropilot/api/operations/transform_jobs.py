"""Transform jobs."""

from __future__ import annotations

from gyropilot.api.documents.tags import read_tags
from gyropilot.api.documents.transform_jobs import describe_transform_job as describe
from gyropilot.api.documents.transform_jobs import read_transform, summarize_transform_job
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}


def create_transform_job(context: Context, params: Params) -> Result:
    """Queue a job."""
    job = context.service.transforms.create(
        params["TransformJobName"],
        params["ModelName"],
        params,
        read_transform(params),
        tags=read_tags(params),
        created_by=context.caller.user,
    )
    return {"TransformJobArn": context.service.identity.transform_job_arn(job.name)}


def describe_transform_job(context: Context, params: Params) -> Result:
    """Show a job."""
    return describe(context.service.transforms.get(params["TransformJobName"]), context.service.identity)


def list_transform_jobs(context: Context, params: Params) -> Result:
    """List jobs: the newest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )
    jobs, more = find_page(context, params, context.service.transforms.find, query)
    return {"TransformJobSummaries": [summarize_transform_job(job, context.service.identity) for job in jobs], **more}


def stop_transform_job(context: Context, params: Params) -> Result:
    """Ask a job to end; what it wrote is removed."""
    context.service.transforms.stop(params["TransformJobName"])
    return {}
