"""The defaults that the SageMaker SDK reads from a file: a bucket and a role for scripts that name neither."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"
"""The variable that tells the SageMaker SDK where its user's file is."""


def write_sagemaker_config(path: Path, *, bucket: str, role_arn: str) -> None:
    """Put the file in place, whole; it is JSON, which is YAML as well.

    With a bucket in it the SDK does not ask STS for the account: it would do so at AWS's own address, whatever
    `AWS_ENDPOINT_URL` says. Only members that every release with such files knows are written, since it refuses others.
    """
    role = {"RoleArn": role_arn}
    document = {
        "SchemaVersion": "1.0",
        "SageMaker": {
            "PythonSDK": {"Modules": {"Session": {"DefaultS3Bucket": bucket}}},
            "AutoMLJob": role,
            "Model": {"ExecutionRoleArn": role_arn},
            "ProcessingJob": role,
            "TrainingJob": role,
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.write_text(json.dumps(document, indent=2) + "\n")
    temporary.replace(path)
