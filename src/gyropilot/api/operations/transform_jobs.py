"""Transform jobs."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.api.documents.tags import read_tags
from gyropilot.api.documents.transform_jobs import describe_transform_job as describe
from gyropilot.api.documents.transform_jobs import read_transform, summarize_transform_job
from gyropilot.api.documents.tuning_parts import describe_transform, summarize_transform
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query
from gyropilot.api.operations.tuning_parts import judge_stop
from gyropilot.service.errors import NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.ports import Query, merge_found
from gyropilot.service.records import TransformJob
from gyropilot.service.tuning_records import PipelineTransform

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
    """Show a job of one's own, or the transform of a pipeline."""
    record, identity = _find_any(context, params["TransformJobName"]), context.service.identity
    if isinstance(record, TransformJob):
        return describe(record, identity)
    return describe_transform(record, context.service.jobs.get(record.parent), identity)


def list_transform_jobs(context: Context, params: Params) -> Result:
    """List jobs, the transforms of all pipelines among them: the newest first unless told otherwise."""
    service = context.service
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )

    def find(query: Query) -> Sequence[TransformJob | PipelineTransform]:
        return merge_found(query, service.transforms.find(query), service.jobs.parts.find(PipelineTransform, query))

    found, more = find_page(context, params, find, query)
    return {"TransformJobSummaries": [_summarize(record, service.identity) for record in found], **more}


def stop_transform_job(context: Context, params: Params) -> Result:
    """Ask a job of one's own to end; what it wrote is removed."""
    record = _find_any(context, params["TransformJobName"])
    if isinstance(record, TransformJob):
        context.service.transforms.stop(record.name)
        return {}
    raise judge_stop(context, TransformJob.kind, record)


def _find_any(context: Context, name: str) -> TransformJob | PipelineTransform:
    try:
        return context.service.transforms.get(name)
    except NotFoundError:
        return context.service.jobs.parts.get(PipelineTransform, name)


def _summarize(record: TransformJob | PipelineTransform, identity: Identity) -> Result:
    if isinstance(record, PipelineTransform):
        return summarize_transform(record, identity)
    return summarize_transform_job(record, identity)
