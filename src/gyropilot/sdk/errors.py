"""What can go wrong between a session and its server."""

from __future__ import annotations


class SessionError(Exception):
    """The server cannot be used; the message says why and what to do."""


class ServerStartError(SessionError):
    """No server answers and none could be started; the message holds the end of its log."""
