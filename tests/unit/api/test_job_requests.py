from __future__ import annotations

import copy
from typing import Any

import pytest

from gyropilot.api.documents.job_requests import read_problem
from gyropilot.service.errors import InvalidRequestError

CHANNEL = {
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train"}},
    "TargetAttributeName": "y",
}
REQUEST = {
    "AutoMLJobName": "j",
    "InputDataConfig": [CHANNEL],
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "AutoMLJobConfig": {"Mode": "ENSEMBLING"},
    "RoleArn": "arn:aws:iam::000000000000:role/R",
}


def request(config: dict[str, Any] | None = None, channel: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(REQUEST) | more
    made["AutoMLJobConfig"] |= config or {}
    made["InputDataConfig"][0] |= channel or {}
    return made


def algorithms(*names: str) -> dict[str, Any]:
    return {"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(names)}]}}


def test_a_request_in_neutral_words() -> None:
    criteria = {
        "MaxCandidates": 5,
        "MaxAutoMLJobRuntimeInSeconds": 600,
        "MaxRuntimePerTrainingJobInSeconds": 60,
    }
    problem = read_problem(
        request(
            {"CompletionCriteria": criteria, **algorithms("xgboost", "lightgbm", "xgboost")},
            {"ContentType": "x-application/vnd.amazon+parquet"},
            ProblemType="MulticlassClassification",
            AutoMLJobObjective={"MetricName": "F1macro"},
            ModelDeployConfig={"AutoGenerateEndpointName": False},
        )
    )
    assert (problem.data_uri, problem.output_uri, problem.target) == ("s3://b/train", "s3://b/out", "y")
    assert (problem.data_format, problem.compression) == ("parquet", "")
    assert (problem.problem_type, problem.objective) == ("multiclass", "f1_macro")
    assert problem.algorithms == ("xgboost", "lightgbm")
    assert (problem.max_candidates, problem.max_runtime_seconds, problem.max_runtime_per_candidate_seconds) == (
        5,
        600,
        60,
    )


def test_what_was_not_said_stays_open() -> None:
    problem = read_problem(request())
    assert (problem.problem_type, problem.objective, problem.algorithms, problem.max_candidates) == ("", "", (), None)
    assert read_problem(request(algorithms())).algorithms == ()
    assert read_problem(request(channel={"CompressionType": "Gzip"})).compression == "gzip"


def test_features_are_specified_elsewhere() -> None:
    made = request({"CandidateGenerationConfig": {"FeatureSpecificationS3Uri": "s3://b/features.json"}})
    assert read_problem(made).features_uri == "s3://b/features.json"
    assert read_problem(request()).features_uri == ""


def test_rows_to_score_on_and_weights() -> None:
    scored = {**VALIDATION, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/scored"}}}
    problem = read_problem(request(InputDataConfig=[scored, CHANNEL]))
    assert (problem.data_uri, problem.validation_uri) == ("s3://b/train", "s3://b/scored")
    problem = read_problem(
        request({"DataSplitConfig": {"ValidationFraction": 0.25}}, {"SampleWeightAttributeName": "w"})
    )
    assert (problem.validation_fraction, problem.weight_column, problem.validation_uri) == (0.25, "w", "")


VALIDATION = {**CHANNEL, "ChannelType": "validation"}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (request(algorithms("mlp")), r"AutoMLAlgorithms \[mlp\] are not supported in Mode ENSEMBLING"),
        (request({"CandidateGenerationConfig": {"AlgorithmsConfig": []}}), "must have exactly one entry, not 0"),
        (
            request({"Mode": "HYPERPARAMETER_TUNING", **algorithms("catboost")}),
            r"\[catboost\] are not supported in Mode HYPERPARAMETER_TUNING",
        ),
        (
            request({"Mode": "HYPERPARAMETER_TUNING"}, {"SampleWeightAttributeName": "w"}),
            "SampleWeightAttributeName is supported in Mode ENSEMBLING only",
        ),
        (
            request(channel={"ContentType": "x-application/vnd.amazon+parquet", "CompressionType": "Gzip"}),
            "CompressionType Gzip is supported for S3DataType S3Prefix and ContentType text/csv;header=present only",
        ),
        (request({"Mode": "AUTO", **algorithms("xgboost")}), "must not be set when Mode is AUTO"),
        (request({"DataSplitConfig": {"ValidationFraction": 0.0}}), "must be greater than 0"),
        (request({"DataSplitConfig": {"ValidationFraction": 1.0}}), "less than 1"),
        (
            request({"DataSplitConfig": {"ValidationFraction": 0.2}}, InputDataConfig=[CHANNEL, VALIDATION]),
            "cannot be used together with a validation channel",
        ),
        (request(InputDataConfig=[VALIDATION]), "exactly one channel of ChannelType training"),
        (request(InputDataConfig=[CHANNEL, CHANNEL]), "exactly one channel of ChannelType training"),
        (
            request(InputDataConfig=[CHANNEL, {**VALIDATION, "TargetAttributeName": "z"}]),
            "All channels must have the same TargetAttributeName",
        ),
        (request(channel={"SampleWeightAttributeName": "y"}), "y must not be the TargetAttributeName"),
        (
            request(InputDataConfig=[CHANNEL, {**VALIDATION, "CompressionType": "Gzip"}]),
            "All channels must have the same CompressionType",
        ),
        (request(channel={"ContentType": "text/plain"}), "ContentType text/plain is not supported"),
        (request(channel={"DataSource": {}}), "must have a DataSource"),
        (
            request(channel={"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://b/m"}}}),
            "ManifestFile yet",
        ),
        (request(AutoMLJobObjective={"MetricName": "MSE"}), "Either both ProblemType and AutoMLJobObjective"),
    ],
)  # fmt: skip
def test_what_is_refused(made: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        read_problem(made)
