"""The HTTP server: the AWS API on one port, and the supervisor that keeps workers and model servers running."""

from gyropilot.server.program import main, serve

__all__ = ["main", "serve"]
