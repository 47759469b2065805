"""What the state folder tells a client: where the server listens and which keys open it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyropilot.sdk.errors import SessionError
from gyropilot.sdk.sealing import SealError, label_of, read_seal

ADMIN = "admin"
"""The role whose key a session on this machine signs with."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What requests are signed with."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Home:
    """The state folder, as far as a client reads it."""

    path: Path

    @classmethod
    def find(cls, path: str | Path | None = None, environment: Mapping[str, str] = os.environ) -> Home:
        """Return the folder given, that of `GYROPILOT_HOME`, or `~/.gyropilot`."""
        return cls(Path(path or environment.get("GYROPILOT_HOME") or "~/.gyropilot").expanduser().resolve())

    @property
    def log(self) -> Path:
        """Where a server that a session started writes."""
        return self.path / "server.log"

    @property
    def sagemaker_config(self) -> Path:
        """Where the defaults for the SageMaker SDK lie."""
        return self.path / "sagemaker-config.yaml"

    def read_endpoint_url(self) -> str:
        """Return where the server said that it listens; empty when none ever did."""
        document = self._read("server.json")
        return str(document.get("endpoint_url", "")) if isinstance(document, dict) else ""

    def read_keys(self) -> Keys | None:
        """Return the first administrator's first access key; None when there is none on this machine.

        Raises:
            SessionError: when there is a file of keys that cannot be understood.
        """
        document = self._read("credentials.json")
        if document is None:
            return None
        try:
            if "keys" in document:  # of an earlier release, until a server of this one has started
                first = document["keys"][0]
                return Keys(access_key_id=first["access_key_id"], secret_access_key=first["secret_access_key"])
            user = next(user for user in document["users"] if user["role"] == ADMIN and user["keys"])
            access_key_id, sealed = user["keys"][0]["access_key_id"], user["keys"][0]["sealed_secret"]
            label = label_of(access_key_id, user["name"], user["role"])
        except (KeyError, IndexError, TypeError, StopIteration):
            raise SessionError(f"{self.path / 'credentials.json'} does not hold access keys.") from None
        try:
            return Keys(access_key_id=access_key_id, secret_access_key=read_seal(self.path).open(sealed, label))
        except SealError as error:
            raise SessionError(f"The access keys of {self.path} cannot be read: {error}.") from None

    def is_held(self) -> bool:
        """Tell whether a server holds the folder, whether it answers yet or not."""
        try:
            with (self.path / "server.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        except PermissionError:
            raise SessionError(f"{self.path / name} cannot be read: it belongs to another user.") from None
        except ValueError:
            return {}
