"""Training jobs: those of one's own, and those that candidates stand for."""

from __future__ import annotations

from gyropilot.api.documents.tags import read_tags
from gyropilot.api.documents.training_jobs import describe_own_training_job, summarize_training_job
from gyropilot.api.documents.training_jobs import describe_training_job as describe
from gyropilot.api.documents.training_requests import find_candidate, read_training
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query
from gyropilot.service.errors import InvalidMoveError, NotFoundError
from gyropilot.service.records import TrainingJob

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}

NEVER_TRUE = ("WarmPoolStatusEquals", "TrainingPlanArnEquals")
"""Filters by what no training job has."""


def create_training_job(context: Context, params: Params) -> Result:
    """Queue a candidate's training once more, on other data."""
    jobs = context.service.jobs
    candidate = find_candidate(params, context.service.identity, jobs.find_candidate)
    job = context.service.trainings.create(
        params["TrainingJobName"],
        params,
        read_training(params, candidate, jobs.get(candidate.parent)),
        tags=read_tags(params),
        created_by=context.caller.user,
    )
    return {"TrainingJobArn": context.service.identity.training_job_arn(job.name)}


def describe_training_job(context: Context, params: Params) -> Result:
    """Show a training job of one's own, or that of a candidate."""
    name, identity = params["TrainingJobName"], context.service.identity
    try:
        return describe_own_training_job(context.service.trainings.get(name), identity)
    except NotFoundError:
        candidate = context.service.jobs.find_candidate(name)
        return describe(candidate, context.service.jobs.get(candidate.parent), identity)


def list_training_jobs(context: Context, params: Params) -> Result:
    """List training jobs, those of all candidates among them: the oldest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Ascending") == "Descending",
    )
    if any(name in params for name in NEVER_TRUE):
        return {"TrainingJobSummaries": []}
    found, more = find_page(context, params, context.service.trainings.find_with_candidates, query)
    identity = context.service.identity
    return {"TrainingJobSummaries": [summarize_training_job(record, identity) for record in found], **more}


def stop_training_job(context: Context, params: Params) -> Result:
    """Ask a training job of one's own to end; a candidate's ends with its AutoML job only."""
    name = params["TrainingJobName"]
    try:
        context.service.trainings.stop(name)
    except NotFoundError:
        candidate = context.service.jobs.find_candidate(name)
        if candidate.status.is_finished:
            raise InvalidMoveError(TrainingJob.kind, candidate.name, candidate.status, "Stopping") from None
        raise context.refuse(
            f"The training job {candidate.name} is part of the AutoML job {candidate.parent}; stop that instead."
        ) from None
    return {}
