"""Unsigned requests, where the operator allows them: from programs of this machine, not from web pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from gyropilot.api.errors import auth_error
from gyropilot.api.wire import WireRequest

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def check_local(request: WireRequest, service: str) -> None:
    """Refuse what a browser sends for a page: its origin is named, or its host is a name that leads here.

    Raises:
        ApiError: as if unsigned requests were not allowed.
    """
    if "origin" in request.headers or not _is_loopback(request.header("host")):
        raise auth_error("missing", service)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in LOOPBACK_NAMES or name.endswith(".localhost")
