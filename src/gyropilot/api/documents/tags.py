"""The rules of tags that the service model does not state."""

from __future__ import annotations

from typing import Any

from gyropilot.service.errors import InvalidRequestError


def check_tags(params: dict[str, Any]) -> None:
    """Check a create request's tags.

    Raises:
        InvalidRequestError: when a key is repeated or reserved.
    """
    keys = [tag["Key"] for tag in params.get("Tags", ())]
    if len(set(keys)) < len(keys):
        raise InvalidRequestError("Tags must have different keys.")
    for key in keys:
        if key.lower().startswith("aws:"):
            raise InvalidRequestError(f"The tag key '{key}' is reserved: keys must not begin with aws:.")
