"""Who the caller is."""

from __future__ import annotations

from gyropilot.api.operations.context import Context, Params, Result


def get_caller_identity(context: Context, params: Params) -> Result:
    """Name the account and the user whose key signed the request."""
    del params  # the operation has none
    identity, user = context.service.identity, context.caller.user
    return {"UserId": user, "Account": identity.account_id, "Arn": identity.user_arn(user)}
