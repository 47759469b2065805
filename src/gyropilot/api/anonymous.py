"""Unsigned requests, where the operator allows them: from programs of this machine, not from web pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gyropilot.api.errors import auth_error
from gyropilot.api.wire import WireRequest

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def check_local(request: WireRequest, service: str) -> None:
    """Refuse what a browser sends for a page: its origin is named, or its host is a name that leads here.

    Raises:
        ApiError: as if unsigned requests were not allowed.
    """
    if comes_from_page(request.headers):
        raise auth_error("missing", service)


def comes_from_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser may have sent a request for a page of the web; the headers' names are in lower case."""
    return "origin" in headers or not _is_loopback(headers.get("host", ""))


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in LOOPBACK_NAMES or name.endswith(".localhost")
