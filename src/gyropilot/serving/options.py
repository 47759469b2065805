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
    interval: float | None = None
    """Probability with which a regression's answers lie between the bounds that it gives; none: it gives no bounds."""
    explains: bool = False
    """Whether each prediction comes with how far each column moved it."""
    body_seconds: float = 60.0
    """How long a body may take to come."""


def read_options(environment: Mapping[str, str]) -> ServingOptions:
    """Read the variables of the SageMaker inference containers; what is absent or empty takes its default.

    Raises:
        ValueError: when `MAX_CONTENT_LENGTH` is no whole number above 0, or `GYROPILOT_PREDICTION_INTERVAL` no
            probability.
    """
    defaults = ServingOptions()
    supported = _split(environment.get("SAGEMAKER_INFERENCE_SUPPORTED", ""))
    return ServingOptions(
        output=read_keys(environment.get("SAGEMAKER_INFERENCE_OUTPUT", "")),
        supported=defaults.supported.intersection(supported) if supported else defaults.supported,
        default_accept=environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "").strip().lower()
        or defaults.default_accept,
        interval=_read_interval(environment.get("GYROPILOT_PREDICTION_INTERVAL", "")),
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


def _read_interval(text: str) -> float | None:
    return read_probability(text, "GYROPILOT_PREDICTION_INTERVAL") if text.strip() else None


def read_probability(text: str, name: str) -> float:
    """Read a probability.

    Raises:
        ValueError: when it is no number above 0 and below 1.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise ValueError(f"{name} must be a number above 0 and below 1, not {text[:100]!r}")
    return number
