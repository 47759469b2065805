"""What the parts of tuning are called, as AWS calls them.

The names follow from the job, so that a run that is taken up again finds them, and are no longer than AWS allows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SHORT = {"xgboost": "xgb", "linear-learner": "ll", "mlp": "mlp"}
"""What AWS calls algorithms in names of folders."""
JOB_CHARACTERS, FOLDER_CHARACTERS = 31, 10
"""How much of the job's name is in those of candidates, and of parts."""


def name_data_build(job: str) -> str:
    """Return the name of the processing job that reads the data."""
    return f"db-1-{_digest(job, 'data')}"


def name_recommendation(job: str) -> str:
    """Return the name of the processing job that chooses pipelines."""
    return f"pr-1-{_digest(job, 'recommendation')}"


def name_fit(job: str, pipeline: str) -> str:
    """Return the name of the training job that fits a pipeline's recipe, and of the model that it makes."""
    return f"{_cut(job)}-{pipeline}-1-{_digest(job, f'fit {pipeline}')}"


def name_transform(job: str, pipeline: str) -> str:
    """Return the name of the transform job that applies a pipeline's recipe."""
    return f"{_cut(job)}-{pipeline}-csv-1-{_digest(job, f'transform {pipeline}')}"


def name_tuning_job(job: str) -> str:
    """Return the name of the tuning job; AWS allows 32 characters."""
    return f"tuning-job-1-{_digest(job, 'tuning')[:18]}"


def name_trial(job: str, number: int) -> str:
    """Return the name of the candidate of a trial, which is that of its training job too."""
    return f"{job[:JOB_CHARACTERS].rstrip('-')}-{number:03d}-{_digest(job, f'trial {number}')[:8]}"


def name_steps(job: str, pipeline: str) -> Mapping[str, str]:
    """Return the parts that a candidate was made by before its own training job, in order: names to words in ARNs."""
    return {
        name_data_build(job): "processing-job",
        name_fit(job, pipeline): "training-job",
        name_transform(job, pipeline): "transform-job",
    }


def name_trial_folder(job: str, pipeline: str, algorithm: str) -> str:
    """Return the folder that a pipeline's candidates are in."""
    return f"{_cut(job)}-{pipeline}-{SHORT[algorithm]}"


def _cut(job: str) -> str:
    return job[:FOLDER_CHARACTERS].rstrip("-")


def _digest(job: str, purpose: str) -> str:
    return hashlib.sha256(f"{job.casefold()}/{purpose}".encode()).hexdigest()[:32]
