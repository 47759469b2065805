"""What each role may do: the one table."""

from __future__ import annotations

from collections.abc import Mapping

from gyropilot.api.errors import access_denied
from gyropilot.service.access import Caller, Role
from gyropilot.service.identity import Identity

ALL = "*"

LEAST_ROLES: Mapping[tuple[str, str], Role] = {
    (ALL, ALL): Role.USER,
    ("sagemaker-runtime", "InvokeEndpoint"): Role.INVOKE,
    ("iam", ALL): Role.ADMIN,
    ("iam", "GetRole"): Role.USER,
    ("iam", "SimulatePrincipalPolicy"): Role.USER,
}
"""The least role for an operation: the most particular row counts."""


def least_role(service: str, operation: str) -> Role:
    """Return the least role that may do this."""
    rows = ((service, operation), (service, ALL), (ALL, ALL))
    return next(LEAST_ROLES[row] for row in rows if row in LEAST_ROLES)


def check_permission(caller: Caller, service: str, operation: str, identity: Identity) -> None:
    """Refuse what the caller's role does not include.

    Raises:
        ApiError: in the code of the service.
    """
    if not caller.role.includes(least_role(service, operation)):
        raise access_denied(service, operation, identity.user_arn(caller.user))
