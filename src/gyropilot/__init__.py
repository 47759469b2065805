"""Gyropilot: SageMaker Autopilot on your own machines.

The classes of the SageMaker SDK for AutoML are imported from here: `from gyropilot import AutoML, Session`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk import *  # noqa: F403  # for types: all that __getattr__ finds

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a class of the SDK when it is asked for, so that importing this costs nothing."""
    sdk = import_module("gyropilot.sdk")
    if name not in sdk.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(sdk, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("gyropilot.sdk").__all__})
