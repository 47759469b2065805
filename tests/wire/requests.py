"""Requests that several tests send, and what they read from a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.installation import ROLE

CONFIG = {"CompletionCriteria": {"MaxCandidates": 3}, "Mode": "ENSEMBLING"}


def job_request(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "AutoMLJobName": name,
        "InputDataConfig": [
            {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}},
                "TargetAttributeName": "y",
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://data/out/"},
        "AutoMLJobConfig": CONFIG,
        "RoleArn": ROLE,
        "GenerateCandidateDefinitionsOnly": False,
    } | changes


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]
