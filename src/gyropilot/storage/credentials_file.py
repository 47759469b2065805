"""The form of `credentials.json`: users, their roles and their keys. The form of earlier releases is read as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from gyropilot.service.access import Role

FIRST_USER = "admin"
"""Whose the keys of earlier releases become, and who is made at the first start."""


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """One access key; one of its two secrets is empty."""

    access_key_id: str
    """The public half."""
    sealed_secret: str = ""
    """The secret half, encrypted."""
    secret_access_key: str = ""
    """The secret half as earlier releases wrote it."""
    created_at: datetime | None = None
    """When it was made."""

    def __post_init__(self) -> None:
        """Refuse a key without a secret."""
        if not (self.access_key_id and (self.sealed_secret or self.secret_access_key)):
            raise ValueError("a key has no secret")


@dataclass(frozen=True, kw_only=True)
class StoredUser:
    """One user."""

    name: str
    """The name, as it was given."""
    role: Role
    """What the user may do."""
    keys: tuple[StoredKey, ...] = ()
    """The keys, the oldest first."""
    created_at: datetime | None = None
    """When it was made."""


@dataclass(frozen=True, kw_only=True)
class _Document:
    users: tuple[StoredUser, ...] = ()
    keys: tuple[StoredKey, ...] = ()
    """What earlier releases wrote instead: keys that are nobody's."""


def encode_users(users: tuple[StoredUser, ...]) -> bytes:
    """Return the file's content."""
    return msgspec.json.format(msgspec.json.encode({"users": [_document(user) for user in users]}), indent=2)


def decode_users(content: bytes, path: Path) -> tuple[StoredUser, ...]:
    """Return the users; keys of earlier releases are the first administrator's.

    Raises:
        ValueError: when the content is not of this form; names the path.
    """
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Without its cause: that might quote a secret.
        raise ValueError(f"{path} is not a file of access keys: {type(error).__name__}") from None
    if document.keys:
        return (StoredUser(name=FIRST_USER, role=Role.ADMIN, keys=document.keys), *document.users)
    return document.users


def _document(user: StoredUser) -> dict[str, object]:
    keys = [
        {"access_key_id": key.access_key_id, "sealed_secret": key.sealed_secret, "created_at": key.created_at}
        for key in user.keys
    ]
    return {"name": user.name, "role": user.role, "created_at": user.created_at, "keys": keys}
