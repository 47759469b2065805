"""Tags as AWS's documents, and their rules that the service model does not state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyropilot.service.errors import InvalidRequestError

SEED = "gyropilot:seed"
"""The tag of a job that says where randomness starts: AWS's requests have no member for it."""
MAX_SEED = 2**31 - 1


def read_tags(params: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a request by their keys.

    Raises:
        InvalidRequestError: when a key is repeated or reserved.
    """
    tags = params.get("Tags", ())
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise InvalidRequestError("Tags must have different keys.")
    for key in keys:
        if key.lower().startswith("aws:"):
            raise InvalidRequestError(f"The tag key '{key}' is reserved: keys must not begin with aws:.")
    return {tag["Key"]: tag["Value"] for tag in tags}


def read_seed(tags: Mapping[str, str]) -> int:
    """Return what the tag `gyropilot:seed` of a job says; 0 without it.

    Raises:
        InvalidRequestError: when it is no whole number from 0 to 2147483647.
    """
    text = tags.get(SEED, "0")
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SEED):
        raise InvalidRequestError(f"The tag {SEED} must be a whole number from 0 to {MAX_SEED}, not '{text}'.")
    return int(text)


def describe_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as a list in the order in which they were set."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
