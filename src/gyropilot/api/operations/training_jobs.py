"""The training jobs that candidates stand for."""

from __future__ import annotations

from gyropilot.api.documents.training_jobs import describe_training_job as describe
from gyropilot.api.documents.training_jobs import summarize_training_job
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}

NEVER_TRUE = ("WarmPoolStatusEquals", "TrainingPlanArnEquals")
"""Filters by what no candidate has."""


def describe_training_job(context: Context, params: Params) -> Result:
    """Show the training job of a candidate."""
    candidate = context.service.jobs.find_candidate(params["TrainingJobName"])
    return describe(candidate, context.service.jobs.get(candidate.parent), context.service.identity)


def list_training_jobs(context: Context, params: Params) -> Result:
    """List the training jobs of all candidates: the oldest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Ascending") == "Descending",
    )
    if any(name in params for name in NEVER_TRUE):
        return {"TrainingJobSummaries": []}
    candidates, more = find_page(context, params, context.service.jobs.find_all_candidates, query)
    identity = context.service.identity
    return {"TrainingJobSummaries": [summarize_training_job(candidate, identity) for candidate in candidates], **more}
