"""Training jobs: those of one's own, and those that candidates stand for."""

from __future__ import annotations

from gyropilot.api.documents.tags import read_tags
from gyropilot.api.documents.training_jobs import describe_own_training_job, summarize_training_job
from gyropilot.api.documents.training_jobs import describe_training_job as describe
from gyropilot.api.documents.training_requests import find_repeated, read_training
from gyropilot.api.documents.tuning_parts import describe_fit, summarize_fit
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import find_page, page_query
from gyropilot.api.operations.tuning_parts import judge_stop
from gyropilot.service.identity import Identity
from gyropilot.service.records import Candidate, TrainingJob
from gyropilot.service.tuning_records import PipelineFit

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}

NEVER_TRUE = ("WarmPoolStatusEquals", "TrainingPlanArnEquals")
"""Filters by what no training job has."""


def create_training_job(context: Context, params: Params) -> Result:
    """Queue a candidate's training, or the fit of a pipeline, once more on other data."""
    jobs = context.service.jobs
    repeated = find_repeated(params, context.service.identity, jobs)
    job = context.service.trainings.create(
        params["TrainingJobName"],
        params,
        read_training(params, repeated, jobs.get(repeated.parent)),
        tags=read_tags(params),
        created_by=context.caller.user,
    )
    return {"TrainingJobArn": context.service.identity.training_job_arn(job.name)}


def describe_training_job(context: Context, params: Params) -> Result:
    """Show a training job of one's own, or that of a candidate, or of a pipeline whose recipe was fitted."""
    name, identity = params["TrainingJobName"], context.service.identity
    record = context.service.trainings.find_any(name)
    match record:
        case TrainingJob():
            return describe_own_training_job(record, identity)
        case PipelineFit():
            return describe_fit(record, context.service.jobs.get(record.parent), identity)
        case _:
            return describe(record, context.service.jobs.get(record.parent), identity)


def list_training_jobs(context: Context, params: Params) -> Result:
    """List training jobs, those of all candidates and pipelines among them: the oldest first unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", "CreationTime")],
        descending=params.get("SortOrder", "Ascending") == "Descending",
    )
    if any(name in params for name in NEVER_TRUE):
        return {"TrainingJobSummaries": []}
    found, more = find_page(context, params, context.service.trainings.find_all, query)
    identity = context.service.identity
    return {"TrainingJobSummaries": [_summarize(record, identity) for record in found], **more}


def stop_training_job(context: Context, params: Params) -> Result:
    """Ask a training job of one's own to end; a candidate's or a pipeline's ends with its AutoML job only."""
    record = context.service.trainings.find_any(params["TrainingJobName"])
    if isinstance(record, TrainingJob):
        context.service.trainings.stop(record.name)
        return {}
    raise judge_stop(context, TrainingJob.kind, record)


def _summarize(record: TrainingJob | Candidate | PipelineFit, identity: Identity) -> Result:
    return (
        summarize_fit(record, identity) if isinstance(record, PipelineFit) else summarize_training_job(record, identity)
    )
