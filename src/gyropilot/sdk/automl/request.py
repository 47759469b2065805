"""The requests that create AutoML jobs, written from what an `AutoML` or an `AutoMLV2` was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk.automl.automl import AutoML
    from gyropilot.sdk.automl.automl_v2 import AutoMLV2

Document = dict[str, Any]


def make_request(auto_ml: AutoML, channels: list[Document]) -> Document:
    """Return the parameters of `create_auto_ml_job`."""
    criteria = {
        "MaxCandidates": auto_ml.max_candidate,
        "MaxRuntimePerTrainingJobInSeconds": auto_ml.max_runtime_per_training_job_in_seconds,
        "MaxAutoMLJobRuntimeInSeconds": auto_ml.total_job_runtime_in_seconds,
    }
    config: Document = {"CompletionCriteria": keep_given(criteria), "SecurityConfig": make_security(auto_ml)}
    if auto_ml.feature_specification_s3_uri:
        config["CandidateGenerationConfig"] = {"FeatureSpecificationS3Uri": auto_ml.feature_specification_s3_uri}
    if auto_ml.validation_fraction:
        config["DataSplitConfig"] = {"ValidationFraction": auto_ml.validation_fraction}
    if auto_ml.mode:
        config["Mode"] = auto_ml.mode
    return {
        "AutoMLJobName": auto_ml.current_job_name,
        "InputDataConfig": channels,
        "OutputDataConfig": make_output(auto_ml),
        "AutoMLJobConfig": config,
        "RoleArn": auto_ml.sagemaker_session.expand_role(auto_ml.role),
        "GenerateCandidateDefinitionsOnly": auto_ml.generate_candidate_definitions_only,
        **make_options(auto_ml),
        **keep_given({"ProblemType": auto_ml.problem_type}),
    }


def make_request_v2(auto_ml: AutoMLV2, channels: list[Document]) -> Document:
    """Return the parameters of `create_auto_ml_job_v2`."""
    request = {
        "AutoMLJobName": auto_ml.current_job_name,
        "AutoMLJobInputDataConfig": channels,
        "OutputDataConfig": make_output(auto_ml),
        "AutoMLProblemTypeConfig": auto_ml.problem_config.to_request_dict(),
        "RoleArn": auto_ml.sagemaker_session.expand_role(auto_ml.role),
        "SecurityConfig": make_security(auto_ml),
        **make_options(auto_ml),
    }
    if auto_ml.validation_fraction is not None:
        request["DataSplitConfig"] = {"ValidationFraction": auto_ml.validation_fraction}
    return request


def make_output(auto_ml: AutoML | AutoMLV2) -> Document:
    """Return `OutputDataConfig`."""
    return {"S3OutputPath": auto_ml.output_path, **keep_given({"KmsKeyId": auto_ml.output_kms_key})}


def make_security(auto_ml: AutoML | AutoMLV2) -> Document:
    """Return `SecurityConfig`; whether traffic is encrypted is always said."""
    return {
        "EnableInterContainerTrafficEncryption": auto_ml.encrypt_inter_container_traffic,
        **keep_given({"VolumeKmsKeyId": auto_ml.volume_kms_key, "VpcConfig": auto_ml.vpc_config}),
    }


def make_options(auto_ml: AutoML | AutoMLV2) -> Document:
    """Return the members of both generations that are there when somebody asked for them."""
    options: Document = {}
    if auto_ml.job_objective:
        options["AutoMLJobObjective"] = auto_ml.job_objective
    if auto_ml.tags:
        options["Tags"] = format_tags(auto_ml.tags)
    if auto_ml.auto_generate_endpoint_name is not None:
        options["ModelDeployConfig"] = {"AutoGenerateEndpointName": auto_ml.auto_generate_endpoint_name}
    if auto_ml.endpoint_name is not None and not auto_ml.auto_generate_endpoint_name:
        options["ModelDeployConfig"] = {**options.get("ModelDeployConfig", {}), "EndpointName": auto_ml.endpoint_name}
    return options


def keep_given(members: Mapping[str, Any]) -> Document:
    """Return the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def format_tags(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> list[dict[str, str]]:
    """Return tags as the API wants them, from names and values or from a list of `Key` and `Value`.

    Raises:
        ValueError: when a tag of the list has other members.
    """
    if isinstance(tags, Mapping):
        return [{"Key": name, "Value": value} for name, value in tags.items()]
    listed = [dict(tag) for tag in tags or ()]
    for tag in listed:
        if set(tag) != {"Key", "Value"}:
            raise ValueError(f"A tag is {{'Key': …, 'Value': …}}, not {tag}; or give a dictionary of names and values.")
    return listed


def check_vpc_config(vpc_config: Any) -> dict[str, list[str]] | None:
    """Return a network's members as they were given; None when there is none.

    Raises:
        TypeError: when it is no mapping.
        ValueError: when it lacks subnets or security groups, or they are no lists of identifiers.
    """
    if vpc_config is None:
        return None
    if not isinstance(vpc_config, Mapping):
        raise TypeError(f"vpc_config must be a dictionary of Subnets and SecurityGroupIds, not {vpc_config!r}.")
    checked = {}
    for member in ("Subnets", "SecurityGroupIds"):
        values = vpc_config.get(member)
        if not isinstance(values, list | tuple) or not values or not all(isinstance(value, str) for value in values):
            raise ValueError(f"vpc_config[{member!r}] must be a list of identifiers, not {values!r}.")
        checked[member] = list(values)
    return checked
