"""Finds the server that a session speaks to."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from gyropilot.sdk.home import Home

HEALTH_PATH = "/_gyropilot/health"
HEALTH_SECONDS = 2.0
MAX_BYTES = 10_000

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
"""Opens a URL without a proxy: the server is on this machine."""


def find_server(home: Home, environment: Mapping[str, str]) -> str:
    """Return the URL in `GYROPILOT_ENDPOINT_URL`, else that of the state folder's server; empty: none answers."""
    named = environment.get("GYROPILOT_ENDPOINT_URL", "")
    return named or find_local_server(home)


def find_local_server(home: Home) -> str:
    """Return the URL of the state folder's server; empty when there is none that answers."""
    url = home.read_endpoint_url()
    return url if url and answers(url) else ""


def answers(url: str) -> bool:
    """Tell whether a Gyropilot server answers at this URL."""
    return read_health(url) is not None


def read_health(url: str) -> dict[str, Any] | None:
    """Return what a server at this URL says of itself, its version for instance; None when none answers."""
    try:
        with _open(url + HEALTH_PATH, timeout=HEALTH_SECONDS) as response:
            content, status = response.read(MAX_BYTES), response.status
    except (OSError, ValueError):
        return None
    try:
        document = json.loads(content)
    except ValueError:
        document = {}
    return (document if isinstance(document, dict) else {}) if status == 200 else None  # HTTP: OK
