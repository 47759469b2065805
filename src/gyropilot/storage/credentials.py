"""The users and access keys of this installation, in a file that only its owner can read; secrets are encrypted."""

from __future__ import annotations

import base64
import os
import re
import secrets
import string
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gyropilot.sdk.sealing import KEY_FILE, Seal, label_of, make_key, read_seal
from gyropilot.service.access import AccessKey, Role
from gyropilot.service.errors import InvalidRequestError
from gyropilot.storage.atomic import write_atomically
from gyropilot.storage.credentials_file import FIRST_USER, StoredKey, StoredUser, decode_users, encode_users
from gyropilot.storage.locks import hold_lock

_ID_PREFIX = "AKIA"
_ID_CHARACTERS = string.ascii_uppercase + "234567"
_ID_LENGTH = 20
_SECRET_CHARACTERS = string.ascii_letters + string.digits + "+/"
_SECRET_LENGTH = 40
_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+=,.@_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class User:
    """A user and the ids of its keys."""

    name: str
    """The name, unique without regard to case."""
    role: Role
    """What the user may do."""
    access_key_ids: tuple[str, ...]
    """The keys, the oldest first."""
    created_at: datetime | None
    """When it was made; None: by a release that did not say."""


@dataclass(frozen=True)
class _Cached:
    fingerprint: tuple[int, int, int]
    users: tuple[StoredUser, ...] = ()
    opened: dict[str, AccessKey] = field(default_factory=dict)


_NOTHING = _Cached((0, 0, 0))


class FileCredentials:
    """Reads and changes `credentials.json` in the state folder; every process sees a change at its next question."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "credentials.json"
        self._cached = _NOTHING

    def ensure_first_key(self) -> AccessKey:
        """Return the first administrator's first key, made now if there is none; whoever asks at once gets the same.

        A file of an earlier release is brought to the form of this one.

        Raises:
            ValueError: when the file is there but is not what this class writes.
            SealError: when its secrets cannot be opened.
        """
        with hold_lock(self._lock_path):
            users = self._read().users
            if not users:
                users, key = _with_key(users, FIRST_USER, Role.ADMIN, self._ensure_seal(users))
                self._write(users)
                return key
            if any(key.secret_access_key for user in users for key in user.keys):
                self._write(_seal_all(users, self._ensure_seal(users)))
        for user in self._read().users:
            if user.role is Role.ADMIN and user.keys:
                return self._open(user, user.keys[0])
        raise ValueError(f"{self._path} has no administrator with a key")

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return an access key; None for one that is unknown or was revoked."""
        cached = self._read()
        if access_key_id not in cached.opened:
            for user in cached.users:
                for key in user.keys:
                    if key.access_key_id == access_key_id:
                        cached.opened[access_key_id] = self._open(user, key)
        return cached.opened.get(access_key_id)

    def list_users(self) -> list[User]:
        """Return the users in the order in which they were made."""
        return [
            User(
                name=user.name,
                role=user.role,
                access_key_ids=tuple(key.access_key_id for key in user.keys),
                created_at=user.created_at,
            )
            for user in self._read().users
        ]

    def add_user(self, name: str, role: Role) -> AccessKey:
        """Make a user with one key and return the key.

        Raises:
            InvalidRequestError: when the name is taken or breaks the rule for names.
        """
        if not _USER_NAME.fullmatch(name):
            raise InvalidRequestError(
                f"The user name must be 1 to 64 letters, digits or any of +=,.@_- and begin with a letter or a digit, "
                f"not {name!r}."
            )
        with hold_lock(self._lock_path):
            users = self._read().users
            if _find(users, name) is not None:
                raise InvalidRequestError(f"There is a user called {name!r} already.")
            users, key = _with_key(users, name, role, self._ensure_seal(users))
            self._write(users)
        return key

    def revoke_user(self, name: str) -> None:
        """Remove a user and all of its keys.

        Raises:
            InvalidRequestError: when there is none, or it is the last administrator.
        """
        with hold_lock(self._lock_path):
            users = self._read().users
            user = _need(users, name)
            self._write(_keep_an_admin(tuple(other for other in users if other is not user), name))

    def add_key(self, name: str) -> AccessKey:
        """Make a further key for a user and return it.

        Raises:
            InvalidRequestError: when there is no such user.
        """
        with hold_lock(self._lock_path):
            users = self._read().users
            user = _need(users, name)
            users, key = _with_key(users, user.name, user.role, self._ensure_seal(users))
            self._write(users)
        return key

    def revoke_key(self, access_key_id: str) -> str:
        """Remove one key and return its user's name; a user may be left without any.

        Raises:
            InvalidRequestError: when there is none, or it is the last administrator's last key.
        """
        with hold_lock(self._lock_path):
            users = self._read().users
            for user in users:
                kept = tuple(key for key in user.keys if key.access_key_id != access_key_id)
                if len(kept) < len(user.keys):
                    changed = tuple(replace(other, keys=kept) if other is user else other for other in users)
                    self._write(_keep_an_admin(changed, user.name))
                    return user.name
        raise InvalidRequestError(f"There is no access key {access_key_id!r}.")

    @property
    def _lock_path(self) -> Path:
        return self._path.with_suffix(".lock")

    def _open(self, user: StoredUser, key: StoredKey) -> AccessKey:
        # A file of an earlier release holds secrets as they are until the server has started once.
        label = label_of(key.access_key_id, user.name, user.role)
        secret = key.secret_access_key or read_seal(self._home).open(key.sealed_secret, label)
        return AccessKey(access_key_id=key.access_key_id, secret_access_key=secret, user=user.name, role=user.role)

    def _ensure_seal(self, users: tuple[StoredUser, ...]) -> Seal:
        path = self._home / KEY_FILE
        # A new key beside secrets of a lost one would leave them unreadable for good.
        if not path.exists() and not any(key.sealed_secret for user in users for key in user.keys):
            write_atomically(path, base64.b64encode(make_key()), mode=0o600)
        return read_seal(self._home)

    def _write(self, users: tuple[StoredUser, ...]) -> None:
        write_atomically(self._path, encode_users(users), mode=0o600)

    def _read(self) -> _Cached:
        """Read the file if it changed: every request asks, and one `stat` is all that it costs then."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return _NOTHING
        cached = self._cached
        if cached.fingerprint != _fingerprint(found):
            with self._path.open("rb") as file:
                # Of the file that is read, not of the name: it may have been replaced since.
                fingerprint = _fingerprint(os.fstat(file.fileno()))
                cached = _Cached(fingerprint, decode_users(file.read(), self._path))
            self._cached = cached
        return cached


def _fingerprint(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def _find(users: tuple[StoredUser, ...], name: str) -> StoredUser | None:
    return next((user for user in users if user.name.casefold() == name.casefold()), None)


def _need(users: tuple[StoredUser, ...], name: str) -> StoredUser:
    user = _find(users, name)
    if user is None:
        raise InvalidRequestError(f"There is no user called {name!r}.")
    return user


def _keep_an_admin(users: tuple[StoredUser, ...], name: str) -> tuple[StoredUser, ...]:
    if not any(user.role is Role.ADMIN and user.keys for user in users):
        raise InvalidRequestError(f"{name!r} is the last administrator with a key; add another one first.")
    return users


def _with_key(
    users: tuple[StoredUser, ...], name: str, role: Role, seal: Seal
) -> tuple[tuple[StoredUser, ...], AccessKey]:
    """Return the users with a new key of one of them, who may be new as well, and the key."""
    key = AccessKey(
        access_key_id=_ID_PREFIX + _draw(_ID_CHARACTERS, _ID_LENGTH - len(_ID_PREFIX)),
        secret_access_key=_draw(_SECRET_CHARACTERS, _SECRET_LENGTH),
        user=name,
        role=role,
    )
    now = datetime.now(UTC)
    sealed = seal.close(key.secret_access_key, label_of(key.access_key_id, name, role))
    stored = StoredKey(access_key_id=key.access_key_id, sealed_secret=sealed, created_at=now)
    user = _find(users, name)
    if user is None:
        return (*users, StoredUser(name=name, role=role, keys=(stored,), created_at=now)), key
    changed = replace(user, keys=(*user.keys, stored))
    return tuple(changed if other is user else other for other in users), key


def _seal_all(users: tuple[StoredUser, ...], seal: Seal) -> tuple[StoredUser, ...]:
    return tuple(replace(user, keys=tuple(_seal_key(user, key, seal) for key in user.keys)) for user in users)


def _seal_key(user: StoredUser, key: StoredKey, seal: Seal) -> StoredKey:
    if not key.secret_access_key:
        return key
    sealed = seal.close(key.secret_access_key, label_of(key.access_key_id, user.name, user.role))
    return replace(key, sealed_secret=sealed, secret_access_key="")


def _draw(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
