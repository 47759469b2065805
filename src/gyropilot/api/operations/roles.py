"""Roles. They mean nothing here yet, so every one that a script may name is there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import read_token

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
            "Arn": context.service.identity.role_arn(name),
            "CreateDate": MADE_AT,
            "AssumeRolePolicyDocument": quote(orjson.dumps(TRUST).decode(), safe=""),
            "MaxSessionDuration": 3600,
        }
    }


def simulate_principal_policy(context: Context, params: Params) -> Result:
    """Tell that a role may do whatever is asked about: scripts look before they pass one on.

    Raises:
        ApiError: when the principal is no role of this account.
    """
    read_token(context, params, name="Marker")
    source = params["PolicySourceArn"]
    if not source.startswith(context.service.identity.role_arn("")):
        raise ApiError(
            "NoSuchEntity", f"There is no role {source}; what users may do follows from their own role.", 404
        )
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
        for action in params["ActionNames"]
        for resource in params.get("ResourceArns", ("*",))
    ]
    return {"EvaluationResults": results, "IsTruncated": False}
