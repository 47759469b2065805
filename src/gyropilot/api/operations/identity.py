"""Who the caller is."""

from __future__ import annotations

from gyropilot.api.operations.context import Context, Params, Result


def get_caller_identity(context: Context, params: Params) -> Result:
    """Name the account; every key of an installation belongs to its owner."""
    del params  # the operation has none
    account = context.service.identity.account_id
    return {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}
