"""The server's own pages: whether it is well, and what it counted."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gyropilot.api.anonymous import comes_from_page
from gyropilot.server.metrics_page import CONTENT_TYPE

PREFIX = "/_gyropilot/"
"""Where the pages are: no bucket's name begins with an underscore."""
METRICS = "/metrics"
"""Where Prometheus looks: a bucket may have this name, but then it is asked for with a signature."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Answers requests for pages."""

    describe_health: Callable[[], Mapping[str, Any]]
    """Tells how the server is, for whoever asks, signed or not."""
    write_metrics: Callable[[], bytes]
    """Writes the metrics."""
    metrics_readers: str = "loopback"
    """Who may read them: `loopback`, `anyone` or `nobody`."""

    def has(self, request: Request) -> bool:
        """Tell whether a request is for a page."""
        path = request.scope["path"]
        is_plain = request.method == "GET" and not request.url.query and "authorization" not in request.headers
        return path.startswith(PREFIX) or (path == METRICS and is_plain)

    def answer(self, request: Request) -> Response:
        """Return the page."""
        path = request.scope["path"]
        if path == f"{PREFIX}health":
            return JSONResponse(dict(self.describe_health()))
        if path in {METRICS, f"{PREFIX}metrics"}:
            if not self._may_read_metrics(request):
                words = f"The metrics are for {self.metrics_readers} (GYROPILOT_METRICS_READERS)."
                return JSONResponse({"message": words}, status_code=403)
            return Response(self.write_metrics(), headers={"content-type": CONTENT_TYPE})
        return JSONResponse({"message": "There is no such page."}, status_code=404)

    def _may_read_metrics(self, request: Request) -> bool:
        if self.metrics_readers != "loopback":
            return self.metrics_readers == "anyone"
        return _is_loopback(request) and not comes_from_page(request.headers)


def _is_loopback(request: Request) -> bool:
    if request.client is None:
        return False
    try:
        address = ipaddress.ip_address(request.client.host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
