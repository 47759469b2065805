"""Roles. They mean nothing here yet, so every one that a script may name is there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from gyropilot.api.operations.context import Context, Params, Result

MADE_AT = datetime(2024, 1, 1, tzinfo=UTC)
"""When roles say they were made: nobody makes them."""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
"""Who may take a role on: the service, as scripts expect of a role for jobs."""


def get_role(context: Context, params: Params) -> Result:
    """Show a role of any name: jobs take its ARN and keep it, without effect."""
    name = params["RoleName"]
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROA" + hashlib.sha256(name.encode()).hexdigest()[:17].upper(),
            "Arn": f"arn:aws:iam::{context.service.identity.account_id}:role/{name}",
            "CreateDate": MADE_AT,
            "AssumeRolePolicyDocument": quote(orjson.dumps(TRUST).decode(), safe=""),
            "MaxSessionDuration": 3600,
        }
    }
