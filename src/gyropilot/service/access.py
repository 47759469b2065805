"""Who asks: users, their roles and the access keys that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user is trusted with, the least first."""

    INVOKE = "invoke"
    """Asks deployed models, nothing else."""
    USER = "user"
    """Everything but the users themselves."""
    ADMIN = "admin"
    """Everything."""

    def includes(self, other: Role) -> bool:
        """Tell whether whoever has this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request."""

    user: str
    """The user's name."""
    role: Role
    """What the user may do."""
    access_key_id: str = ""
    """The key that signed the request; empty for an anonymous one."""


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """What a client signs its requests with, and whose it is."""

    access_key_id: str
    """The public half."""
    secret_access_key: str
    """The secret half."""
    user: str
    """The user's name."""
    role: Role
    """What the user may do."""

    @property
    def caller(self) -> Caller:
        """Who signs with this key."""
        return Caller(user=self.user, role=self.role, access_key_id=self.access_key_id)


ANONYMOUS = Caller(user="anonymous", role=Role.USER)
"""Whoever sends an unsigned request where those are allowed."""
