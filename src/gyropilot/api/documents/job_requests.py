"""The create request of an AutoML job, in the form of V1, in the service's words, and the rules across its fields."""

from __future__ import annotations

from typing import Any, NoReturn

from gyropilot.api.documents.metrics import OUR_NAMES
from gyropilot.api.documents.problem_types import BY_AWS
from gyropilot.api.documents.tags import read_seed, read_tags
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.records import AUTO, ENSEMBLING, TUNING, Problem

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"
FORMATS = {CSV: "csv", PARQUET: "parquet"}
COMPRESSIONS = {"None": "", "Gzip": "gzip"}

ALGORITHMS = {
    "ENSEMBLING": (
        "catboost",
        "extra-trees",
        "fastai",
        "lightgbm",
        "linear-learner",
        "nn-torch",
        "randomforest",
        "xgboost",
    ),
    "HYPERPARAMETER_TUNING": ("linear-learner", "mlp", "xgboost"),
}
"""The algorithms that AWS allows in each mode."""

ABSENT_MODE = "HYPERPARAMETER_TUNING"
"""What it means to name no mode."""

MODES = {"AUTO": AUTO, "ENSEMBLING": ENSEMBLING, "HYPERPARAMETER_TUNING": TUNING}
"""AWS's word for a mode to ours."""


def read_problem(params: dict[str, Any]) -> Problem:
    """Return what is to be learned; the messages name fields by what they are called in V1 and V2 alike.

    Raises:
        InvalidRequestError: when fields contradict each other, or ask for what Gyropilot does not do yet.
    """
    config = params.get("AutoMLJobConfig", {})
    _check_split(params, config)
    _check_weights(params, config)
    algorithms = _read_algorithms(config)
    problem_type, objective = _read_goal(params)
    channels = {channel.get("ChannelType", "training"): channel for channel in params["InputDataConfig"]}
    channel = channels["training"]
    criteria = config.get("CompletionCriteria", {})
    return Problem(
        data_uri=_read_data_uri(channel),
        data_format=_read_format(channel),
        compression=COMPRESSIONS[channel.get("CompressionType", "None")],
        target=channel["TargetAttributeName"],
        validation_uri=_read_data_uri(channels["validation"]) if "validation" in channels else "",
        validation_fraction=config.get("DataSplitConfig", {}).get("ValidationFraction"),
        features_uri=config.get("CandidateGenerationConfig", {}).get("FeatureSpecificationS3Uri", ""),
        weight_column=_read_weight_column(channel),
        seed=read_seed(read_tags(params)),
        output_uri=params["OutputDataConfig"]["S3OutputPath"],
        problem_type=problem_type,
        objective=objective,
        mode=MODES[config.get("Mode", ABSENT_MODE)],
        is_definitions_only=params.get("GenerateCandidateDefinitionsOnly", False),
        algorithms=algorithms,
        max_candidates=criteria.get("MaxCandidates"),
        max_runtime_seconds=criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        max_runtime_per_candidate_seconds=criteria.get("MaxRuntimePerTrainingJobInSeconds"),
    )


def _read_goal(params: dict[str, Any]) -> tuple[str, str]:
    aws_type = params.get("ProblemType")
    metric = params.get("AutoMLJobObjective", {}).get("MetricName")
    if (aws_type is None) != (metric is None):
        _refuse("Either both ProblemType and AutoMLJobObjective should be provided or none of them should be provided.")
    if aws_type is None or metric is None:
        return "", ""
    kind = BY_AWS[aws_type]
    if metric not in kind.objectives:
        _refuse(
            f"Objective metric {metric} is not supported for problem type {aws_type}. "
            f"Supported metrics: [{', '.join(kind.objectives)}]"
        )
    return kind.name, OUR_NAMES[metric]


def _read_algorithms(config: dict[str, Any]) -> tuple[str, ...]:
    entries = config.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig")
    if entries is None:
        return ()
    mode = config.get("Mode", ABSENT_MODE)
    if mode == "AUTO":
        _refuse("AlgorithmsConfig must not be set when Mode is AUTO; use ENSEMBLING or HYPERPARAMETER_TUNING.")
    if len(entries) != 1:
        _refuse(f"AlgorithmsConfig must have exactly one entry, not {len(entries)}.")
    wanted, allowed = entries[0]["AutoMLAlgorithms"], ALGORITHMS[mode]
    if strangers := [name for name in wanted if name not in allowed]:
        _refuse(
            f"AutoMLAlgorithms [{', '.join(strangers)}] are not supported in Mode {mode}. "
            f"Supported: [{', '.join(allowed)}]"
        )
    return tuple(dict.fromkeys(wanted))


def _check_weights(params: dict[str, Any], config: dict[str, Any]) -> None:
    mode = config.get("Mode", ABSENT_MODE)
    if mode == "HYPERPARAMETER_TUNING" and any("SampleWeightAttributeName" in c for c in params["InputDataConfig"]):
        _refuse(f"SampleWeightAttributeName is supported in Mode ENSEMBLING only, not in {mode}.")


def _check_split(params: dict[str, Any], config: dict[str, Any]) -> None:
    channels = params["InputDataConfig"]
    kinds = sorted(channel.get("ChannelType", "training") for channel in channels)
    if kinds not in (["training"], ["training", "validation"]):
        _refuse(
            "There must be exactly one channel of ChannelType training, and of two channels the other is validation."
        )
    fraction = config.get("DataSplitConfig", {}).get("ValidationFraction")
    if fraction is not None and not 0 < fraction < 1:
        _refuse(f"ValidationFraction must be greater than 0 and less than 1, not {fraction}.")
    if fraction is not None and len(channels) == 2:  # both say which rows validate
        _refuse("ValidationFraction cannot be used together with a validation channel.")
    defaults = {"ContentType": CSV, "CompressionType": "None", "SampleWeightAttributeName": ""}
    for name in ("TargetAttributeName", *defaults):
        if len({channel.get(name, defaults.get(name)) for channel in channels}) > 1:
            _refuse(f"All channels must have the same {name}.")


def _read_data_uri(channel: dict[str, Any]) -> str:
    source = channel.get("DataSource", {}).get("S3DataSource")
    if source is None:
        _refuse("A channel must have a DataSource with an S3DataSource.")
    kind = source["S3DataType"]
    if kind == "AugmentedManifestFile":
        _refuse("S3DataType AugmentedManifestFile is for image classification only; use S3Prefix.")
    gzip = channel.get("CompressionType", "None") == "Gzip"
    if gzip and (kind != "S3Prefix" or _read_format(channel) != "csv"):
        _refuse(f"CompressionType Gzip is supported for S3DataType S3Prefix and ContentType {CSV} only.")
    if kind == "ManifestFile":
        _refuse_yet("S3DataType ManifestFile", "Use S3Prefix")
    return str(source["S3Uri"])


def _read_weight_column(channel: dict[str, Any]) -> str:
    name = str(channel.get("SampleWeightAttributeName", ""))
    if name and name == channel["TargetAttributeName"]:
        _refuse(f"SampleWeightAttributeName {name} must not be the TargetAttributeName.")
    return name


def _read_format(channel: dict[str, Any]) -> str:
    content_type = channel.get("ContentType", CSV)
    if content_type not in FORMATS:
        _refuse(f"ContentType {content_type} is not supported. Supported content types: [{', '.join(FORMATS)}]")
    return FORMATS[content_type]


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message)


def _refuse_yet(what: str, advice: str) -> NoReturn:
    raise InvalidRequestError(f"Gyropilot does not support {what} yet. {advice}.")
