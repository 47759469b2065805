"""Who did what: the entries of the audit log, and the port that keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One request and how it ended. It holds names only: neither bodies nor query strings, which may hold secrets."""

    at: datetime
    """When the request came."""
    request_id: str
    """The id that its answer bears."""
    user: str = ""
    """Who sent it; empty: nobody was recognised."""
    access_key_id: str = ""
    """The key that signed it; empty for unsigned requests and unknown keys."""
    service: str
    """The AWS service, by botocore's name."""
    operation: str = ""
    """The operation; empty: it was refused before that was known."""
    resource: str = ""
    """What it was done to: a name, or a bucket and a key."""
    status: int
    """The HTTP status of the answer."""
    error: str = ""
    """The error's code; empty: it was done."""


class AuditLog(Protocol):
    """Keeps entries in their order; safe to use from many threads."""

    def write(self, entry: AuditEntry) -> None:
        """Add one entry."""
        ...
