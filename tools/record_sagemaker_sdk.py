"""Records what the SageMaker SDK, major version 2, looks like and sends: the golden file that our SDK is compared with.

    .venvs/clients/bin/python tools/record_sagemaker_sdk.py > tests/data/sagemaker-sdk.json

It runs with the Python of the tests' clients, where that package is installed, and sends nothing anywhere: a request is
taken down at the moment when it would be sent. Only names, parameters, defaults and requests are recorded.
"""

from __future__ import annotations

import inspect
import io
import json
import logging
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

CLASSES = {
    "sagemaker.automl.automl": ["AutoML", "AutoMLInput", "AutoMLJob"],
    "sagemaker.automl.automlv2": [
        "AutoMLDataChannel",
        "AutoMLImageClassificationConfig",
        "AutoMLJobV2",
        "AutoMLTabularConfig",
        "AutoMLTextClassificationConfig",
        "AutoMLTextGenerationConfig",
        "AutoMLTimeSeriesForecastingConfig",
        "AutoMLV2",
        "LocalAutoMLDataChannel",
    ],
    "sagemaker.automl.candidate_estimator": ["CandidateEstimator", "CandidateStep"],
    "sagemaker.deserializers": [
        "BaseDeserializer",
        "BytesDeserializer",
        "CSVDeserializer",
        "JSONDeserializer",
        "JSONLinesDeserializer",
        "NumpyDeserializer",
        "PandasDeserializer",
        "SimpleBaseDeserializer",
        "StreamDeserializer",
        "StringDeserializer",
    ],
    "sagemaker.exceptions": ["CapacityError", "UnexpectedStatusException"],
    "sagemaker.model": ["Model"],
    "sagemaker.pipeline": ["PipelineModel"],
    "sagemaker.predictor": ["Predictor"],
    "sagemaker.serializers": [
        "BaseSerializer",
        "CSVSerializer",
        "DataSerializer",
        "IdentitySerializer",
        "JSONLinesSerializer",
        "JSONSerializer",
        "LibSVMSerializer",
        "NumpySerializer",
        "SimpleBaseSerializer",
        "StringSerializer",
    ],
    "sagemaker.session": ["Session"],
    "sagemaker.transformer": ["Transformer"],
}
ROLE = "arn:aws:iam::111122223333:role/Somebody"
VPC = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1", "sg-2"]}
OUT = "s3://bucket/out"
GOAL = {"problem_type": "BinaryClassification", "job_objective": {"MetricName": "AUC"}}
CHANNEL = {"inputs": "s3://bucket/train", "target_attribute_name": "y"}

JOBS: list[dict[str, Any]] = [
    {"options": {"target_attribute_name": "y"}, "inputs": "s3://bucket/a.csv"},
    {"options": {"target_attribute_name": "y"}, "inputs": ["s3://bucket/a.csv", "s3://bucket/b.csv"]},
    {"options": {}, "inputs": [{"AutoMLInput": CHANNEL}]},
    {
        "options": {**GOAL, "mode": "ENSEMBLING", "max_candidates": 2},
        "inputs": [
            {
                "AutoMLInput": {
                    **CHANNEL,
                    "compression": "Gzip",
                    "channel_type": "training",
                    "content_type": "text/csv;header=present",
                    "s3_data_type": "ManifestFile",
                    "sample_weight_attribute_name": "w",
                }
            },
            {"AutoMLInput": {**CHANNEL, "inputs": ["s3://bucket/v1", "s3://bucket/v2"], "channel_type": "validation"}},
        ],
    },
    {
        "options": {
            **GOAL,
            "target_attribute_name": "y",
            "output_kms_key": "key-1",
            "compression_type": "Gzip",
            "volume_kms_key": "key-2",
            "encrypt_inter_container_traffic": True,
            "vpc_config": VPC,
            "max_candidates": 3,
            "max_runtime_per_training_job_in_seconds": 60,
            "total_job_runtime_in_seconds": 600,
            "generate_candidate_definitions_only": True,
            "tags": [{"Key": "team", "Value": "people"}],
            "content_type": "x-application/vnd.amazon+parquet",
            "s3_data_type": "S3Prefix",
            "feature_specification_s3_uri": "s3://bucket/features.json",
            "validation_fraction": 0.3,
            "mode": "HYPERPARAMETER_TUNING",
            "auto_generate_endpoint_name": True,
            "sample_weight_attribute_name": "w",
        },
        "inputs": "s3://bucket/a.parquet",
    },
    {"options": {"target_attribute_name": "y", "endpoint_name": "mine"}, "inputs": "s3://bucket/a"},
    {
        "options": {"target_attribute_name": "y", "endpoint_name": "mine", "auto_generate_endpoint_name": True},
        "inputs": "s3://bucket/a",
    },
    {
        "options": {"target_attribute_name": "y", "endpoint_name": "mine", "auto_generate_endpoint_name": False},
        "inputs": "s3://bucket/a",
    },
    {
        "options": {"target_attribute_name": "y", "validation_fraction": 0, "tags": {"a": "b"}},
        "inputs": "s3://bucket/a",
    },
    {"options": {}, "inputs": "s3://bucket/a"},
    {"options": {"target_attribute_name": "y"}, "inputs": {"a": 1}},
    {"options": {"problem_type": "Regression"}, "inputs": "s3://bucket/a"},
    {"options": {"job_objective": {"MetricName": "MSE"}}, "inputs": "s3://bucket/a"},
]
LIMITS = {
    "max_candidates": 1,
    "max_runtime_per_training_job_in_seconds": 60,
    "max_total_job_runtime_in_seconds": 600,
}
SERIES = {
    "forecast_frequency": "1D",
    "forecast_horizon": 7,
    "item_identifier_attribute_name": "shop",
    "target_attribute_name": "sales",
    "timestamp_attribute_name": "day",
}
PROBLEMS: list[dict[str, Any]] = [
    {"kind": "AutoMLTabularConfig", "options": {"target_attribute_name": "y"}},
    {
        "kind": "AutoMLTabularConfig",
        "options": {
            "target_attribute_name": "y",
            "algorithms_config": ["xgboost", "lightgbm"],
            "feature_specification_s3_uri": "s3://bucket/features.json",
            "generate_candidate_definitions_only": False,
            "mode": "ENSEMBLING",
            "problem_type": "Regression",
            "sample_weight_attribute_name": "w",
            **LIMITS,
        },
    },
    {"kind": "AutoMLImageClassificationConfig", "options": {}},
    {"kind": "AutoMLImageClassificationConfig", "options": LIMITS},
    {"kind": "AutoMLTextClassificationConfig", "options": {"content_column": "t", "target_label_column": "y"}},
    {
        "kind": "AutoMLTextClassificationConfig",
        "options": {"content_column": "t", "target_label_column": "y", **LIMITS},
    },
    {"kind": "AutoMLTextGenerationConfig", "options": {"base_model_name": "Falcon7B"}},
    {
        "kind": "AutoMLTextGenerationConfig",
        "options": {
            "base_model_name": "Llama2-7B",
            "accept_eula": True,
            "text_generation_hyper_params": {"epochCount": "2"},
            **LIMITS,
        },
    },
    {"kind": "AutoMLTimeSeriesForecastingConfig", "options": SERIES},
    {
        "kind": "AutoMLTimeSeriesForecastingConfig",
        "options": {
            **SERIES,
            "grouping_attribute_names": ["region"],
            "feature_specification_s3_uri": "s3://bucket/features.json",
            "forecast_quantiles": ["p10", "p50"],
            "aggregation": {"sales": "sum"},
            "filling": {"sales": {"middlefill": "zero"}},
            **LIMITS,
        },
    },
]
JOBS_V2: list[dict[str, Any]] = [
    {"options": {}, "inputs": [{"s3_data_type": "S3Prefix", "s3_uri": "s3://bucket/a"}]},
    {
        "options": {
            "job_objective": {"MetricName": "RMSE"},
            "validation_fraction": 0.25,
            "auto_generate_endpoint_name": False,
            "endpoint_name": "mine",
            "output_kms_key": "key-1",
            "volume_kms_key": "key-2",
            "encrypt_inter_container_traffic": True,
            "vpc_config": VPC,
            "tags": [{"Key": "team", "Value": "people"}],
        },
        "problem_type": "Regression",
        "inputs": [
            {
                "s3_data_type": "ManifestFile",
                "s3_uri": "s3://bucket/t",
                "channel_type": "training",
                "compression_type": "Gzip",
                "content_type": "text/csv;header=present",
            },
            {"s3_data_type": "S3Prefix", "s3_uri": "s3://bucket/v", "channel_type": "validation"},
        ],
    },
]
TRANSFORMS: list[dict[str, Any]] = [
    {"options": {"output_path": OUT}, "arguments": {"data": "s3://bucket/rows"}},
    {
        "options": {
            "strategy": "MultiRecord",
            "assemble_with": "Line",
            "output_path": OUT,
            "output_kms_key": "key-1",
            "accept": "text/csv",
            "max_concurrent_transforms": 2,
            "max_payload": 6,
            "tags": [{"Key": "team", "Value": "people"}],
            "env": {"A": "b"},
            "volume_kms_key": "key-2",
        },
        "arguments": {
            "data": "s3://bucket/rows",
            "data_type": "ManifestFile",
            "content_type": "text/csv",
            "compression_type": "Gzip",
            "split_type": "Line",
            "input_filter": "$[1:]",
            "output_filter": "$[0,-1]",
            "join_source": "Input",
            "experiment_config": {"TrialName": "t"},
            "model_client_config": {"InvocationsMaxRetries": 1},
        },
    },
    {"options": {"output_path": OUT}, "arguments": {"data": "rows.csv"}},
]
SUPPORTED = "SAGEMAKER_INFERENCE_SUPPORTED"
PIPELINE = [
    {"Environment": {"AUTOML_TRANSFORM_MODE": "feature-transform"}},
    {"Environment": {SUPPORTED: "predicted_label,probability,probabilities", "SAGEMAKER_INFERENCE_OUTPUT": "x"}},
    {"Environment": {SUPPORTED: "predicted_label, probability, labels, probabilities"}},
]
RESPONSES: list[dict[str, Any]] = [
    {"containers": PIPELINE, "keys": None},
    {"containers": PIPELINE, "keys": ["probability", "predicted_label"]},
    {"containers": PIPELINE, "keys": ["labels"]},
    {"containers": PIPELINE, "keys": ["labels", "probabilities"]},
    {"containers": PIPELINE, "keys": ["predicted_labels", "probability", "odds"]},
    {"containers": PIPELINE[:1], "keys": ["probability"]},
]
CONTENTS: list[Any] = [
    "1,2\n3,4",
    [1, 2.5, "x"],
    [[1, 2], [3, "a,b"]],
    [[None, 'say "hi"', True]],
    ["1,a", "2,b"],
    [],
    [[]],
    {"a": 1, "b": [1, 2]},
    [{"a": 1}, {"a": None}],
]
SERIALIZERS = ("CSVSerializer", "JSONSerializer", "JSONLinesSerializer", "IdentitySerializer", "StringSerializer")
ANSWERS: list[tuple[str, str, str]] = [
    ("BytesDeserializer", "text/csv", "a,1\n"),
    ("StringDeserializer", "text/csv", "a,1\n"),
    ("CSVDeserializer", "text/csv", 'a,"1,2"\nb,3\n'),
    ("JSONDeserializer", "application/json", '{"a": [1, null]}'),
    ("JSONLinesDeserializer", "application/jsonlines", '{"a": 1}\n{"a": 2}\n'),
]


class TakenDownError(Exception):
    """A request, at the moment when it would be sent."""


def main() -> None:
    logging.disable(logging.WARNING)
    packages = {name: getattr(import_module(home), name) for home, names in CLASSES.items() for name in names}
    document = {
        "version": version("sagemaker"),
        "classes": {name: describe_class(kind) for name, kind in sorted(packages.items())},
        "jobs": [{**case, **outcome(lambda case=case: start_job(packages, case))} for case in JOBS],
        "problems": [describe_problem(packages, case) for case in PROBLEMS],
        "jobs_v2": [{**case, **outcome(lambda case=case: start_job_v2(packages, case))} for case in JOBS_V2],
        "transforms": [{**case, **outcome(lambda case=case: transform(packages, case))} for case in TRANSFORMS],
        "responses": [{**case, **outcome(lambda case=case: choose(packages, case))} for case in RESPONSES],
        "serialized": [
            {"kind": kind, "data": data, **outcome(lambda kind=kind, data=data: serialize(packages[kind], data))}
            for kind in SERIALIZERS
            for data in CONTENTS
        ],
        "deserialized": [
            {"kind": kind, "content_type": content_type, "text": text, **read(packages[kind], content_type, text)}
            for kind, content_type, text in ANSWERS
        ],
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


# --- classes ----------------------------------------------------------------------------------------------------------


def describe_class(kind: type) -> dict[str, Any]:
    """Return a class's public members: `property`, `attribute`, or the parameters of a function."""
    inherited = {*dir(object), *dir(ValueError), *dir(type)}
    members = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_") and name not in inherited}
    described = {name: describe_member(kind, name, member) for name, member in members.items()}
    return {"__init__": describe_parameters(kind.__init__), **described}  # type: ignore[misc]  # of the class itself


def describe_member(kind: type, name: str, member: Any) -> Any:
    if isinstance(inspect.getattr_static(kind, name), property):
        return "property"
    return describe_parameters(member) if callable(member) else "attribute"


def describe_parameters(function: Any) -> list[str]:
    """Return each parameter as it would be written, without its type."""
    marks: dict[Any, str] = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    return [
        marks.get(parameter.kind, "")
        + parameter.name
        + ("" if parameter.default is parameter.empty else f"={write_default(parameter.default)}")
        for parameter in inspect.signature(function).parameters.values()
    ]


def write_default(value: Any) -> str:
    """Return a default as it would be written; of an object, the name of its class."""
    plain = value is None or isinstance(value, str | int | float | tuple | list | dict)
    return repr(value) if plain else (value.__name__ if isinstance(value, type) else type(value).__name__)


# --- requests ---------------------------------------------------------------------------------------------------------


def outcome(attempt: Any) -> dict[str, Any]:
    """Return what an attempt gave: a request that was taken down, a value, or the words of an error."""
    try:
        return {"value": attempt()}
    except TakenDownError as taken:
        return {"value": taken.args[0]}
    except (ValueError, TypeError, KeyError) as error:
        return {"error": type(error).__name__, "message": str(error)}


def open_session(packages: dict[str, Any]) -> Any:
    """Return a session that sends nothing: requests for jobs are taken down."""
    import boto3

    boto_session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    session = packages["Session"](boto_session, default_bucket="bucket", sagemaker_config={})
    for operation in ("CreateAutoMLJob", "CreateAutoMLJobV2", "CreateTransformJob"):
        session.sagemaker_client.meta.events.register(f"provide-client-params.sagemaker.{operation}", take_down)
    return session


def take_down(params: dict[str, Any], **_: Any) -> None:
    raise TakenDownError(params)


def start_job(packages: dict[str, Any], case: dict[str, Any]) -> None:
    session = open_session(packages)
    auto_ml = packages["AutoML"](role=ROLE, output_path=OUT, sagemaker_session=session, **case["options"])
    inputs = case["inputs"]
    if isinstance(inputs, list) and isinstance(inputs[0], dict):
        inputs = [packages["AutoMLInput"](**channel["AutoMLInput"]) for channel in inputs]
    auto_ml.fit(inputs, wait=False, logs=False, job_name="job")


def start_job_v2(packages: dict[str, Any], case: dict[str, Any]) -> None:
    session = open_session(packages)
    config = packages["AutoMLTabularConfig"]("y", problem_type=case.get("problem_type"))
    options = {"role": ROLE, "output_path": OUT, "sagemaker_session": session, **case["options"]}
    channels = [packages["AutoMLDataChannel"](**channel) for channel in case["inputs"]]
    auto_ml = packages["AutoMLV2"](config, **options)
    printed, sys.stdout = sys.stdout, io.StringIO()  # it prints the request
    try:
        auto_ml.fit(channels, wait=False, logs=False, job_name="job")
    finally:
        sys.stdout = printed


def describe_problem(packages: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    request = packages[case["kind"]](**case["options"]).to_request_dict()
    return {**case, "request": request, **outcome(lambda: read_again(packages, case, request))}


def read_again(packages: dict[str, Any], case: dict[str, Any], request: dict[str, Any]) -> Any:
    (document,) = request.values()
    return vars(packages[case["kind"]].from_response_dict(document))


def transform(packages: dict[str, Any], case: dict[str, Any]) -> None:
    session = open_session(packages)
    transformer = packages["Transformer"](
        "model", 1, "ml.m5.large", base_transform_job_name="base", sagemaker_session=session, **case["options"]
    )
    transformer.transform(job_name="job", wait=False, logs=False, **case["arguments"])


def choose(packages: dict[str, Any], case: dict[str, Any]) -> Any:
    containers = json.loads(json.dumps(case["containers"]))
    packages["AutoML"].validate_and_update_inference_response(containers, case["keys"])
    return containers


def serialize(kind: Any, data: Any) -> Any:
    written = kind().serialize(data)
    return written.decode() if isinstance(written, bytes) else written


def read(kind: Any, content_type: str, text: str) -> dict[str, Any]:
    value = kind().deserialize(io.BytesIO(text.encode()), content_type)
    return {"accept": list(kind().ACCEPT), "value": value.decode() if isinstance(value, bytes) else value}


if __name__ == "__main__":
    main()
