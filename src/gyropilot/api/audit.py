"""Names what a request was done to, for the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyropilot.api.routing import Route

MAX_CHARACTERS = 1100
"""A bucket's name and the longest key."""


def name_resource(route: Route, params: Mapping[str, Any]) -> str:
    """Return the bucket and key, or else the first member of the request that is a name or an ARN; empty: none is."""
    if "Bucket" in params:
        return "/".join(str(params[name]) for name in ("Bucket", "Key") if params.get(name))[:MAX_CHARACTERS]
    shape = route.operation.input_shape
    for name in shape.members if shape is not None else ():
        value = params.get(name)
        if name.lower().endswith(("name", "arn")) and isinstance(value, str):
            return value[:MAX_CHARACTERS]
    return ""
