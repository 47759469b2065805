"""Gyropilot from Python: finds the server, or starts one, and hands out clients for it."""

from gyropilot.sdk.errors import ServerStartError, SessionError
from gyropilot.sdk.session import Session

__all__ = ["ServerStartError", "Session", "SessionError"]
