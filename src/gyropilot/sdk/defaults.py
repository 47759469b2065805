"""The defaults file of the SageMaker SDK: roles, keys, networks and tags for scripts that name none.

A file for the whole machine and one for the user, of which the user's wins; YAML, or JSON, which is YAML as well. Other
members than those that are asked for are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyropilot.sdk.errors import SessionError

FILE_NAME = "config.yaml"
ADMIN_VARIABLE = "SAGEMAKER_ADMIN_CONFIG_OVERRIDE"
ADMIN_FOLDER = "/etc/xdg/sagemaker"
USER_VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"
USER_FOLDER = "~/.config/sagemaker"

ROLE = "SageMaker.AutoMLJob.RoleArn"
TAGS = "SageMaker.AutoMLJob.Tags"
OUTPUT_KEY = "SageMaker.AutoMLJob.OutputDataConfig.KmsKeyId"
VOLUME_KEY = "SageMaker.AutoMLJob.AutoMLJobConfig.SecurityConfig.VolumeKmsKeyId"
ENCRYPTION = "SageMaker.AutoMLJob.AutoMLJobConfig.SecurityConfig.EnableInterContainerTrafficEncryption"
VPC = "SageMaker.AutoMLJob.AutoMLJobConfig.SecurityConfig.VpcConfig"
TRAINING_ENCRYPTION = "SageMaker.TrainingJob.EnableInterContainerTrafficEncryption"
MODEL_ROLE = "SageMaker.Model.ExecutionRoleArn"
BUCKET = "SageMaker.PythonSDK.Modules.Session.DefaultS3Bucket"
BUCKET_PREFIX = "SageMaker.PythonSDK.Modules.Session.DefaultS3ObjectKeyPrefix"


def read_defaults(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return what the two files say together; empty when there is neither.

    Raises:
        SessionError: when a file cannot be read or is no mapping, or one that a variable names is missing.
    """
    admin = _read(environment.get(ADMIN_VARIABLE, ""), ADMIN_FOLDER, ADMIN_VARIABLE)
    user = _read(environment.get(USER_VARIABLE, ""), USER_FOLDER, USER_VARIABLE)
    return _merge(admin, user)


def find_default(defaults: Mapping[str, Any], path: str) -> Any:
    """Return the member of this dotted path; None when there is none."""
    found: Any = defaults
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def _read(named: str, usual: str, variable: str) -> dict[str, Any]:
    if named.startswith("s3://"):
        raise SessionError(f"{variable} names {named}: defaults are read from files of this machine; copy it here.")
    path = Path(named or usual).expanduser()
    path = path / FILE_NAME if path.is_dir() or not named else path
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise SessionError(f"{variable} names {path}, which does not exist; unset it or write the file.") from None
        return {}
    except OSError as error:
        raise SessionError(f"The defaults in {path} cannot be read: {error}.") from None
    return _parse(text, path)


def _parse(text: str, path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SessionError(f"The defaults in {path} are no YAML: {error}.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SessionError(f"The defaults in {path} must be a mapping that begins with SchemaVersion and SageMaker.")
    return document


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
