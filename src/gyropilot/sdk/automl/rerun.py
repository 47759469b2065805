"""The requests that run a candidate's steps again, written from what the service tells of the first run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.automl.request import check_vpc_config, keep_given

if TYPE_CHECKING:
    from gyropilot.sdk.automl.upload import Uploaded

Document = dict[str, Any]

TRAINING_MEMBERS = (
    "RoleArn",
    "HyperParameters",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "Environment",
)
"""What a training job is created with again as it was."""
TRANSFORM_MEMBERS = (
    "ModelName",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformOutput",
    "DataProcessing",
    "ModelClientConfig",
)
"""What a transform job is created with again as it was."""


def make_training_request(
    name: str,
    first: Mapping[str, Any],
    data: Uploaded,
    *,
    volume_kms_key: str | None,
    encrypt_inter_container_traffic: bool | None,
    vpc_config: Mapping[str, Any] | None,
) -> Document:
    """Return the parameters of `create_training_job`: those of the first run, with other data.

    Args:
        name: the new job's name.
        first: the description of the first run.
        data: what is read this time.
        volume_kms_key: key that encrypts the machines' disks, instead of the first run's.
        encrypt_inter_container_traffic: whether traffic is encrypted, instead of what the first run did.
        vpc_config: the network, instead of the first run's.

    Raises:
        ValueError: when the network lacks its members.
    """
    algorithm = first["AlgorithmSpecification"]
    is_encrypted = first.get("EnableInterContainerTrafficEncryption", False)
    network = check_vpc_config(vpc_config) or first.get("VpcConfig")
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": algorithm["TrainingImage"],
            "TrainingInputMode": algorithm["TrainingInputMode"],
        },
        "InputDataConfig": [_make_channel(data)],
        "ResourceConfig": {**first["ResourceConfig"], **keep_given({"VolumeKmsKeyId": volume_kms_key})},
        "EnableInterContainerTrafficEncryption": (
            is_encrypted if encrypt_inter_container_traffic is None else encrypt_inter_container_traffic
        ),
        **keep_given({"VpcConfig": network}),
        **{member: first[member] for member in TRAINING_MEMBERS if member in first},
    }


def _make_channel(data: Uploaded) -> Document:
    source = {"S3DataType": "S3Prefix", "S3Uri": data.address, "S3DataDistributionType": "FullyReplicated"}
    forms = {"ContentType": data.content_type, "CompressionType": data.compression}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}, **keep_given(forms)}


def make_transform_request(
    name: str, first: Mapping[str, Any], address: str, *, volume_kms_key: str | None
) -> Document:
    """Return the parameters of `create_transform_job`: those of the first run, with other data."""
    given = first["TransformInput"]
    source = {**given["DataSource"]["S3DataSource"], "S3Uri": address}
    return {
        "TransformJobName": name,
        "TransformInput": {**given, "DataSource": {"S3DataSource": source}},
        "TransformResources": {**first["TransformResources"], **keep_given({"VolumeKmsKeyId": volume_kms_key})},
        **{member: first[member] for member in TRANSFORM_MEMBERS if member in first},
    }
