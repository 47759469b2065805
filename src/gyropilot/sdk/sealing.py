"""Encrypts the secrets of access keys at rest: AES-256-GCM under a key in a file of its own.

The server writes what clients on this machine read, so this stands where both can reach it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from pathlib import Path

KEY_FILE = "credentials.key"
KEY_BYTES = 32
_NONCE_BYTES = 12


class SealError(ValueError):
    """A secret cannot be opened; the message says why and holds nothing of it."""


@dataclass(frozen=True)
class Seal:
    """Closes and opens secrets under one key."""

    key: bytes
    """32 random bytes."""

    def __repr__(self) -> str:
        return "Seal(...)"

    def close(self, secret: str, label: str) -> str:
        """Return a secret encrypted, bound to a label that is not secret: it opens with the same label only."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self.key).encrypt(nonce, secret.encode(), label.encode())).decode()

    def open(self, sealed: str, label: str) -> str:
        """Return the secret.

        Raises:
            SealError: when it was closed with another key or another label, or changed since.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            content = base64.b64decode(sealed, validate=True)
            nonce, rest = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
            return AESGCM(self.key).decrypt(nonce, rest, label.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            raise SealError(f"the secret of {label} was changed, or {KEY_FILE} is not the file that it needs") from None


def make_key() -> bytes:
    """Return a new key from the operating system's random source."""
    return secrets.token_bytes(KEY_BYTES)


def read_seal(home: Path) -> Seal:
    """Return the seal whose key lies in a state folder.

    Raises:
        SealError: when there is none, or it is not what the server writes.
    """
    path = home / KEY_FILE
    try:
        key = base64.b64decode(path.read_bytes(), validate=True)
    except FileNotFoundError:
        raise SealError(f"{path} is missing: the secrets in credentials.json cannot be read without it") from None
    except binascii.Error:
        raise SealError(f"{path} is not a key") from None
    if len(key) != KEY_BYTES:
        raise SealError(f"{path} must hold {KEY_BYTES} bytes, not {len(key)}")
    return Seal(key)


def label_of(access_key_id: str, user: str, role: str) -> str:
    """Return the label of a key's secret: whoever edits the file can give a key neither to another user nor a role."""
    return f"{access_key_id} {user} {role}"
