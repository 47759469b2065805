"""How answers look, as the container's environment says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gyropilot.serving.media import CSV

KEYS = ("predicted_label", "probability", "probabilities", "labels")
"""What an answer can hold."""
MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """The container's environment, understood."""

    output: tuple[str, ...] = ("predicted_label",)
    """Keys of an answer, in the order of its columns."""
    supported: frozenset[str] = frozenset(KEYS)
    """Keys that have a value; any other is answered with NaN."""
    default_accept: str = CSV
    """Answered with when the client does not care."""
    max_bytes: int = MAX_BYTES
    """Greatest body of a request."""


def read_options(environment: Mapping[str, str]) -> ServingOptions:
    """Read the variables of the SageMaker inference containers; what is absent or empty takes its default.

    Raises:
        ValueError: when `MAX_CONTENT_LENGTH` is no whole number above 0.
    """
    defaults = ServingOptions()
    supported = _split(environment.get("SAGEMAKER_INFERENCE_SUPPORTED", ""))
    return ServingOptions(
        output=read_keys(environment.get("SAGEMAKER_INFERENCE_OUTPUT", "")),
        supported=defaults.supported.intersection(supported) if supported else defaults.supported,
        default_accept=environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "").strip().lower()
        or defaults.default_accept,
        max_bytes=_read_size(environment.get("MAX_CONTENT_LENGTH", ""), defaults.max_bytes),
    )


def read_keys(text: str) -> tuple[str, ...]:
    """Return the keys that a variable lists; the default ones where it lists none."""
    return _split(text) or ServingOptions().output


def _split(text: str) -> tuple[str, ...]:
    return tuple(key for part in text.split(",") if (key := part.strip().lower()))


def _read_size(text: str, default: int) -> int:
    if not text.strip():
        return default
    if not text.strip().isdecimal() or int(text) == 0:
        raise ValueError(f"MAX_CONTENT_LENGTH must be a whole number above 0, not {text!r}")
    return int(text)
