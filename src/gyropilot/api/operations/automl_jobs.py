"""AutoML jobs and their candidates."""

from __future__ import annotations

import math

from gyropilot.api.documents.candidates import describe_candidate
from gyropilot.api.documents.generations import write_as_v1
from gyropilot.api.documents.job_requests import read_problem
from gyropilot.api.documents.jobs import describe_job, describe_job_v2, summarize_job
from gyropilot.api.documents.tags import read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import Key, cut_page, find_page, page_query
from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob, Candidate, Problem
from gyropilot.service.states import CandidateStatus

ENSEMBLING_BYTES = 100 * 1024 * 1024
"""Up to how much data Mode AUTO means ENSEMBLING."""
ENSEMBLING_OBJECTS = 1000
"""Up to how many objects Mode AUTO looks at to tell how much data there is."""
MAX_CANDIDATES_PAGE = 300

STATUSES = sorted(CandidateStatus)
"""Candidates' states in the order of lists."""
JOB_ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}


def create_auto_ml_job(context: Context, params: Params) -> Result:
    """Queue a job."""
    return _create(context, params, params, "V1")


def create_auto_ml_job_v2(context: Context, params: Params) -> Result:
    """Queue a job that was asked for in the second form."""
    return _create(context, params, write_as_v1(params), "V2")


def _create(context: Context, params: Params, in_v1: Params, generation: str) -> Result:
    problem, tags = read_problem(in_v1), read_tags(params)
    if in_v1["AutoMLJobConfig"]["Mode"] == "AUTO":
        _check_auto_means_ensembling(context, problem)
    name = params["AutoMLJobName"]
    job = context.service.jobs.create(
        name, params, problem, generation=generation, tags=tags, created_by=context.caller.user
    )
    return {"AutoMLJobArn": context.service.identity.job_arn(job.name)}


def _check_auto_means_ensembling(context: Context, problem: Problem) -> None:
    blobs = context.service.jobs.data.find(problem.data_uri)
    if len(blobs) > ENSEMBLING_OBJECTS or sum(blob.size for blob in blobs) > ENSEMBLING_BYTES:
        raise context.refuse(
            "Mode AUTO means HYPERPARAMETER_TUNING for data of more than 100 MB or 1000 objects, "
            "which Gyropilot does not support yet. Pass Mode ENSEMBLING."
        )


def describe_auto_ml_job(context: Context, params: Params) -> Result:
    """Show a job with its best candidate so far."""
    return describe_job(*_find_with_best(context, params), context.service.identity)


def describe_auto_ml_job_v2(context: Context, params: Params) -> Result:
    """Show a job with its best candidate so far, in the second form."""
    return describe_job_v2(*_find_with_best(context, params), context.service.identity)


def _find_with_best(context: Context, params: Params) -> tuple[AutoMLJob, Candidate | None]:
    job = context.service.jobs.get(params["AutoMLJobName"])
    return job, context.service.jobs.get_candidate(job.name, job.best_candidate) if job.best_candidate else None


def list_auto_ml_jobs(context: Context, params: Params) -> Result:
    """List jobs: by name, the greatest first, unless told otherwise."""
    query = page_query(
        context,
        params,
        order_by=JOB_ORDERS[params.get("SortBy", "Name")],
        descending=params.get("SortOrder", "Descending") == "Descending",
    )
    jobs, more = find_page(context, params, context.service.jobs.find, query)
    return {"AutoMLJobSummaries": [summarize_job(job, context.service.identity) for job in jobs], **more}


def stop_auto_ml_job(context: Context, params: Params) -> Result:
    """Ask a job to end with the best model so far."""
    context.service.jobs.stop(params["AutoMLJobName"])
    return {}


def list_candidates_for_auto_ml_job(context: Context, params: Params) -> Result:
    """List a job's candidates: the newest first unless told otherwise."""
    states = frozenset({params["StatusEquals"]}) if "StatusEquals" in params else frozenset()
    query = Query(states=states, name=params.get("CandidateNameEquals", ""))
    candidates = context.service.jobs.find_candidates(params["AutoMLJobName"], query)
    keyed = ((_order_key(candidate, params), candidate) for candidate in candidates)
    page, more = cut_page(context, params, keyed, params.get("MaxResults", MAX_CANDIDATES_PAGE))
    return {"Candidates": [describe_candidate(candidate, context.service.identity) for candidate in page], **more}


def _order_key(candidate: Candidate, params: Params) -> Key:
    """Return what orders candidates; with an order but no direction ascending, those without a value last in either."""
    sort_by = params.get("SortBy", "CreationTime")
    sign = -1 if params.get("SortOrder", "Ascending" if "SortBy" in params else "Descending") == "Descending" else 1
    rank: float | None = candidate.created_at.timestamp()
    if sort_by == "Status":
        rank = float(STATUSES.index(candidate.status))
    elif sort_by == "FinalObjectiveMetricValue":
        value = math.nan if candidate.objective is None else candidate.objective.value
        rank = value if math.isfinite(value) else None
    return rank is None, sign * (rank or 0.0), candidate.name
