"""Processing and tuning jobs. No candidate has any: what it is made by is one training job."""

from __future__ import annotations

from gyropilot.api.operations.context import Context, Operation, Params, Result
from gyropilot.api.operations.paging import read_token
from gyropilot.service.errors import NotFoundError


def find_none(kind: str) -> Operation:
    """Return the operation that is asked for one resource of a kind that Gyropilot does not make."""

    def refuse(context: Context, params: Params) -> Result:
        del context
        raise NotFoundError(kind, next(iter(params.values())))

    return refuse


def list_none(member: str) -> Operation:
    """Return the operation that lists the resources of a kind that Gyropilot does not make, in this member."""

    def answer(context: Context, params: Params) -> Result:
        read_token(context, params)
        return {member: []}

    return answer


describe_processing_job = find_none("processing job")
stop_processing_job = find_none("processing job")
list_processing_jobs = list_none("ProcessingJobSummaries")
describe_tuning_job = find_none("hyperparameter tuning job")
stop_tuning_job = find_none("hyperparameter tuning job")
list_tuning_jobs = list_none("HyperParameterTuningJobSummaries")
list_training_jobs_of_tuning_job = find_none("hyperparameter tuning job")
