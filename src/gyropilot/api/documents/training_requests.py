"""The create request of a training job: a candidate's training, once more, on other data."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from gyropilot.api.documents.job_requests import COMPRESSIONS, FORMATS
from gyropilot.api.documents.training_jobs import describe_parameters
from gyropilot.api.documents.tuning_parts import describe_recipe
from gyropilot.service.errors import InvalidRequestError, NotFoundError
from gyropilot.service.identity import Identity
from gyropilot.service.jobs import JobService
from gyropilot.service.records import AutoMLJob, Candidate, Problem, Training
from gyropilot.service.states import JobStatus
from gyropilot.service.tuning_records import PipelineFit

TRAIN, VALIDATION = "train", "validation"
"""The names of the channels."""


def find_repeated(params: dict[str, Any], identity: Identity, jobs: JobService) -> Candidate | PipelineFit:
    """Return the candidate whose training a request is to repeat, or the fit of a pipeline.

    Raises:
        InvalidRequestError: when its image is not that of such a training job, or its hyperparameters are others.
    """
    image = params.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    repeated = _find_by_image(image, identity, jobs)
    if repeated is None:
        _refuse(
            f"The TrainingImage '{image}' is none that Gyropilot trains with. Use the AlgorithmSpecification of a "
            "candidate's training job."
        )
    if repeated.status.value != JobStatus.COMPLETED.value:
        _refuse(f"The training job {repeated.name} is in status {repeated.status}; only a completed one is repeated.")
    own = describe_recipe(repeated) if isinstance(repeated, PipelineFit) else describe_parameters(repeated)
    given = params.get("HyperParameters", {})
    if other := sorted(key for key in given.keys() | own.keys() if given and given.get(key) != own.get(key)):
        _refuse(
            f"HyperParameters must be those of the training job {repeated.name}, or left out; other or missing are: "
            f"[{', '.join(other)}]."
        )
    return repeated


def _find_by_image(image: str, identity: Identity, jobs: JobService) -> Candidate | PipelineFit | None:
    with suppress(NotFoundError):
        if candidate := identity.find_trained_by(image):
            return jobs.find_candidate(candidate)
        if fit := identity.find_fitted_by(image):
            return jobs.parts.get(PipelineFit, fit)
    return None


def read_training(params: dict[str, Any], repeated: Candidate | PipelineFit, job: AutoMLJob) -> Training:
    """Return what a create request asks for, given what it repeats and the job that made that.

    Raises:
        InvalidRequestError: when its members contradict each other, or ask for what Gyropilot does not do.
    """
    output = params["OutputDataConfig"]
    if output.get("CompressionType", "GZIP") != "GZIP":
        _refuse("OutputDataConfig.CompressionType must be GZIP: a model is a model.tar.gz.")
    given = params.get("InputDataConfig", ())
    channels = {channel["ChannelName"]: channel for channel in given}
    if set(channels) not in ({TRAIN}, {TRAIN, VALIDATION}) or len(channels) < len(given):
        _refuse(f"InputDataConfig must have a channel {TRAIN} and may have a channel {VALIDATION}; none else.")
    problem = job.problem
    kinds = {name: _read_kind(channel, problem) for name, channel in channels.items()}
    if len(set(kinds.values())) > 1:
        _refuse("All channels must have the same ContentType and CompressionType.")
    data_format, compression = kinds[TRAIN]
    return Training(
        automl_job=job.name,
        **({"pipeline": repeated.pipeline} if isinstance(repeated, PipelineFit) else {"candidate": repeated.name}),
        problem=replace(
            problem,
            data_uri=_read_uri(channels[TRAIN]),
            validation_uri=_read_uri(channels[VALIDATION]) if VALIDATION in channels else "",
            data_format=data_format,
            compression=compression,
            output_uri=output["S3OutputPath"],
            problem_type=job.resolved_problem_type,
            objective=job.resolved_objective,
            algorithms=(),
            max_candidates=None,
            max_runtime_seconds=params.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
            max_runtime_per_candidate_seconds=None,
        ),
    )


def _read_kind(channel: dict[str, Any], problem: Problem) -> tuple[str, str]:
    """Return format and compression of a channel: those of the candidate's data where it does not say."""
    content_type = channel.get("ContentType")
    if content_type is not None and content_type not in FORMATS:
        _refuse(f"ContentType {content_type} is not supported. Supported content types: [{', '.join(FORMATS)}]")
    if content_type is None and "CompressionType" not in channel:
        return problem.data_format, problem.compression
    return FORMATS.get(content_type or "", problem.data_format), COMPRESSIONS[channel.get("CompressionType", "None")]


def _read_uri(channel: dict[str, Any]) -> str:
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        _refuse(f"The channel {channel['ChannelName']} must have an S3DataSource; other sources are not supported.")
    if source["S3DataType"] != "S3Prefix":
        _refuse(f"S3DataType {source['S3DataType']} is not supported for training jobs yet; use S3Prefix.")
    return str(source["S3Uri"])


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message)
