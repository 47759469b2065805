"""Says what went wrong in words for the person at the terminal."""

from __future__ import annotations

import sys


def describe_failure(error: Exception) -> str:
    """Return one clear message for an error of a command."""
    if "botocore" in sys.modules:
        message = _describe_client_failure(error)
        if message:
            return message
    from gyropilot.sdk.errors import SessionError

    if isinstance(error, SessionError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _describe_client_failure(error: Exception) -> str:
    """Return the server's own words, or what kept them from coming; empty for any other error."""
    import boto3.exceptions
    import botocore.exceptions

    if isinstance(error, botocore.exceptions.ClientError):
        return error.response.get("Error", {}).get("Message") or str(error)
    if isinstance(error, botocore.exceptions.EndpointConnectionError | botocore.exceptions.ConnectionClosedError):
        return f"The server does not answer: {error}"
    if isinstance(error, botocore.exceptions.BotoCoreError | boto3.exceptions.Boto3Error):
        return str(error)
    return ""
