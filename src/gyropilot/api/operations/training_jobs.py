"""The training jobs that candidates stand for."""

from __future__ import annotations

from gyropilot.api.documents.training_jobs import describe_training_job as describe
from gyropilot.api.operations.context import Context, Params, Result


def describe_training_job(context: Context, params: Params) -> Result:
    """Show the training job of a candidate."""
    candidate = context.service.jobs.find_candidate(params["TrainingJobName"])
    return describe(candidate, context.service.jobs.get(candidate.parent), context.service.identity)
