"""AutoML jobs and their candidates."""

from __future__ import annotations

import math

from gyropilot.api.documents.candidates import describe_candidate
from gyropilot.api.documents.generations import write_as_v1
from gyropilot.api.documents.job_requests import read_problem
from gyropilot.api.documents.jobs import describe_job, describe_job_v2, summarize_job
from gyropilot.api.documents.tags import read_tags
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import cut_page, find_page, page_query, read_token
from gyropilot.service.ports import Query
from gyropilot.service.records import AutoMLJob, Candidate, Problem

ENSEMBLING_BYTES = 100 * 1024 * 1024
"""Up to how much data Mode AUTO means ENSEMBLING."""
ENSEMBLING_OBJECTS = 1000
"""Up to how many objects Mode AUTO looks at to tell how much data there is."""
MAX_CANDIDATES_PAGE = 300

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
    job = context.service.jobs.create(name, params, problem, generation=generation, tags=tags)
    return {"AutoMLJobArn": context.service.identity.job_arn(job.name)}


def _check_auto_means_ensembling(context: Context, problem: Problem) -> None:
    blobs = context.service.jobs.find_data(problem.data_uri)
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
    found = context.service.jobs.find_candidates(params["AutoMLJobName"], Query(states=states))
    if "CandidateNameEquals" in params:
        found = [candidate for candidate in found if candidate.name == params["CandidateNameEquals"]]
    ordered = _order_candidates(list(found), params)
    offset = read_token(context, params)
    page, more = cut_page(context, params, ordered[offset:], offset, params.get("MaxResults", MAX_CANDIDATES_PAGE))
    return {"Candidates": [describe_candidate(candidate, context.service.identity) for candidate in page], **more}


def _order_candidates(candidates: list[Candidate], params: Params) -> list[Candidate]:
    """Order candidates; with an order but no direction ascending, and those without a value last in either."""
    sort_by = params.get("SortBy", "CreationTime")
    descending = params.get("SortOrder", "Ascending" if "SortBy" in params else "Descending") == "Descending"
    candidates.sort(key=lambda candidate: candidate.name)
    if sort_by == "FinalObjectiveMetricValue":
        sign = -1 if descending else 1
        return sorted(
            candidates, key=lambda candidate: sign * value if (value := _value(candidate)) is not None else math.inf
        )
    if sort_by == "Status":
        return sorted(candidates, key=lambda candidate: candidate.status.value, reverse=descending)
    return sorted(candidates, key=lambda candidate: candidate.created_at, reverse=descending)


def _value(candidate: Candidate) -> float | None:
    return None if candidate.objective is None or math.isnan(candidate.objective.value) else candidate.objective.value
