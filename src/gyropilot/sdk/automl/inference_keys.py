"""What the containers of a model answer with, as their environments say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SUPPORTED = "SAGEMAKER_INFERENCE_SUPPORTED"
OUTPUT = "SAGEMAKER_INFERENCE_OUTPUT"
INPUT = "SAGEMAKER_INFERENCE_INPUT"


def choose_inference_keys(containers: list[dict[str, Any]], keys: Sequence[str] | None) -> None:
    """Set the containers' environments, in place, so that the last one answers with these keys in this order.

    Every container hands on what it can of them, and the next one is told what it is handed.

    Raises:
        ValueError: when the last container does not offer a choice, or cannot answer with one of the keys.
    """
    if not keys:
        return
    offered = _offered_by(containers[-1])
    if not offered:
        raise ValueError(
            "The inference model does not support selection of inference content beyond it's default content. "
            "Please retry without setting inference_response_keys key word argument."
        )
    unknown = [key for key in keys if key not in offered]
    if unknown:
        raise ValueError(
            f"Requested inference output keys [{', '.join(unknown)}] are unsupported. "
            f"The supported inference keys are [{', '.join(offered)}]"
        )
    handed_on = ""
    for container in containers:
        handed_on = _set(container, keys, handed_on)


def _set(container: dict[str, Any], keys: Sequence[str], handed_on: str) -> str:
    """Set one container's environment and return what it hands on."""
    offered = _offered_by(container)
    if not offered:
        return ""
    environment = container["Environment"]
    output = ",".join(key for key in keys if key in offered)
    if handed_on:
        environment[INPUT] = handed_on
    if output:
        environment[OUTPUT] = output
    return output


def _offered_by(container: dict[str, Any]) -> list[str]:
    named = container.get("Environment", {}).get(SUPPORTED, "")
    return [key.strip() for key in named.split(",") if key.strip()]
