"""The parts of tuning: shown and listed as the processing and tuning jobs of AWS, and not stopped by themselves."""

from __future__ import annotations

from gyropilot.api.documents.tuning_parts import (
    describe_processing,
    describe_tuning,
    summarize_processing,
    summarize_trial,
    summarize_tuning,
)
from gyropilot.api.operations.candidate_order import rank_candidate
from gyropilot.api.operations.context import Context, Operation, Params, Result
from gyropilot.api.operations.paging import Key, cut_page, find_page, page_query
from gyropilot.service.errors import InvalidMoveError
from gyropilot.service.ports import Query
from gyropilot.service.records import Candidate
from gyropilot.service.tuning_records import ProcessingPart, TuningJob, TuningPart

ORDERS = {"Name": "name", "CreationTime": "created_at", "Status": "state"}
PAGE = 10


def describe_processing_job(context: Context, params: Params) -> Result:
    """Show a part that reads data or chooses pipelines."""
    part = context.service.jobs.parts.get(ProcessingPart, params["ProcessingJobName"])
    return describe_processing(part, context.service.jobs.get(part.parent), context.service.identity)


def list_processing_jobs(context: Context, params: Params) -> Result:
    """List such parts of all jobs: the newest first unless told otherwise."""
    query = _make_query(context, params, sort_by="CreationTime", sort_order="Descending")
    found, more = find_page(
        context, params, lambda query: context.service.jobs.parts.find(ProcessingPart, query), query
    )
    return {"ProcessingJobSummaries": [summarize_processing(each, context.service.identity) for each in found], **more}


def describe_hyper_parameter_tuning_job(context: Context, params: Params) -> Result:
    """Show the search of a job, with its training jobs counted."""
    jobs = context.service.jobs
    part = jobs.parts.get(TuningJob, params["HyperParameterTuningJobName"])
    candidates = jobs.find_candidates(part.parent, Query())
    return describe_tuning(part, jobs.get(part.parent), candidates, context.service.identity)


def list_hyper_parameter_tuning_jobs(context: Context, params: Params) -> Result:
    """List the searches of all jobs: by name, the least first unless told otherwise."""
    jobs = context.service.jobs
    query = _make_query(context, params, sort_by="Name", sort_order="Ascending")
    found, more = find_page(context, params, lambda query: jobs.parts.find(TuningJob, query), query)
    summaries = [
        summarize_tuning(each, jobs.find_candidates(each.parent, Query()), context.service.identity) for each in found
    ]
    return {"HyperParameterTuningJobSummaries": summaries, **more}


def list_training_jobs_for_tuning_job(context: Context, params: Params) -> Result:
    """List the candidates of a search as its training jobs: by name, the least first unless told otherwise."""
    jobs = context.service.jobs
    part = jobs.parts.get(TuningJob, params["HyperParameterTuningJobName"])
    states = frozenset({params["StatusEquals"]}) if "StatusEquals" in params else frozenset()
    candidates = jobs.find_candidates(part.parent, Query(states=states))
    sort_by = params.get("SortBy", "Name")
    is_descending = params.get("SortOrder", "Ascending") == "Descending"
    keyed: list[tuple[Key, Candidate]] = [
        (
            (each.name.casefold(),)
            if sort_by == "Name"
            else rank_candidate(each, sort_by, is_descending=is_descending),
            each,
        )
        for each in candidates
    ]
    is_reversed = sort_by == "Name" and is_descending  # what ranks candidates has the direction in it
    page, more = cut_page(context, params, keyed, params.get("MaxResults", PAGE), descending=is_reversed)
    return {"TrainingJobSummaries": [summarize_trial(each, part, context.service.identity) for each in page], **more}


def refuse_to_stop(kind: type[TuningPart]) -> Operation:
    """Return the operation that is asked to stop one part: it ends with its AutoML job only."""

    def refuse(context: Context, params: Params) -> Result:
        raise judge_stop(context, kind.kind, context.service.jobs.parts.get(kind, next(iter(params.values()))))

    return refuse


stop_processing_job = refuse_to_stop(ProcessingPart)
stop_hyper_parameter_tuning_job = refuse_to_stop(TuningJob)


def judge_stop(context: Context, kind: str, part: TuningPart | Candidate) -> Exception:
    """Return the error for a request to stop what is part of an AutoML job."""
    if part.status.is_finished:
        return InvalidMoveError(kind, part.name, part.status, "Stopping")
    return context.refuse(f"The {kind} {part.name} is part of the AutoML job {part.parent}; stop that instead.")


def _make_query(context: Context, params: Params, *, sort_by: str, sort_order: str) -> Query:
    return page_query(
        context,
        params,
        order_by=ORDERS[params.get("SortBy", sort_by)],
        descending=params.get("SortOrder", sort_order) == "Descending",
    )
