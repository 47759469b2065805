"""The access keys of this installation, in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gyropilot.storage.atomic import write_atomically
from gyropilot.storage.locks import hold_lock

_ID_PREFIX = "AKIA"
_ID_CHARACTERS = string.ascii_uppercase + "234567"
_ID_LENGTH = 20
_SECRET_CHARACTERS = string.ascii_letters + string.digits + "+/"
_SECRET_LENGTH = 40


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """What a client signs its requests with."""

    access_key_id: str
    """The public half."""
    secret_access_key: str
    """The secret half."""


@dataclass(frozen=True, kw_only=True)
class _Document:
    keys: tuple[AccessKey, ...] = ()


@dataclass(frozen=True)
class _Cached:
    fingerprint: tuple[int, int, int]
    keys: tuple[AccessKey, ...]
    secrets: dict[str, str]


_NOTHING = _Cached((0, 0, 0), (), {})


class FileCredentials:
    """Reads `credentials.json` in the state folder and makes it at the first start."""

    def __init__(self, home: Path) -> None:
        self._path = home / "credentials.json"
        self._cached = _NOTHING

    def ensure_first_key(self) -> AccessKey:
        """Return the first access key, made now if there is none; processes that ask at once get the same one.

        Raises:
            ValueError: when the file is there but is not what this class writes.
        """
        with hold_lock(self._path.with_suffix(".lock")):
            keys = self._read().keys
            if not keys:
                keys = (_make_key(),)
                write_atomically(self._path, msgspec.json.encode(_Document(keys=keys)), mode=0o600)
        return keys[0]

    def secret_for(self, access_key_id: str) -> str | None:
        """Return the secret of an access key; None for one that is unknown."""
        return self._read().secrets.get(access_key_id)

    def _read(self) -> _Cached:
        """Read the file if it changed: every request asks, and one `stat` is all that it costs then."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return _NOTHING
        if self._cached.fingerprint != _fingerprint(found):
            with self._path.open("rb") as file:
                # Of the file that is read, not of the name: it may have been replaced since.
                fingerprint = _fingerprint(os.fstat(file.fileno()))
                keys = _decode(file.read(), self._path)
            self._cached = _Cached(fingerprint, keys, {key.access_key_id: key.secret_access_key for key in keys})
        return self._cached


def _fingerprint(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def _decode(content: bytes, path: Path) -> tuple[AccessKey, ...]:
    try:
        return msgspec.json.decode(content, type=_Document).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Without its cause: that might quote a secret.
        raise ValueError(f"{path} is not a file of access keys: {type(error).__name__}") from None


def _make_key() -> AccessKey:
    return AccessKey(
        access_key_id=_ID_PREFIX + _draw(_ID_CHARACTERS, _ID_LENGTH - len(_ID_PREFIX)),
        secret_access_key=_draw(_SECRET_CHARACTERS, _SECRET_LENGTH),
    )


def _draw(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
