"""Says what went wrong in words for the person at the terminal, and as an exit code for programs."""

from __future__ import annotations

import sys
from enum import IntEnum

import click


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    """It worked."""
    FAILED = 1
    """It did not work."""
    USAGE = 2
    """The command line cannot be understood."""
    NOT_FOUND = 3
    """There is no job, model, endpoint or column of this name."""
    NO_SERVER = 4
    """The server does not answer, cannot be started, or does not know the keys."""
    INTERRUPTED = 130
    """Ctrl-C."""


class NotFoundError(click.ClickException):
    """There is nothing of a name; the message says what there is instead."""

    exit_code = Exit.NOT_FOUND


NOT_FOUND_CODES = {"ResourceNotFound", "ResourceNotFoundException", "NoSuchKey", "NoSuchBucket", "404"}
NOT_FOUND_WORDS = "Could not find"
"""How SageMaker begins when a model or an endpoint is not there, in the code of a broken rule."""
DENIED_CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


def describe_failure(error: Exception) -> tuple[str, Exit]:
    """Return one clear message for an error of a command, and how the command ends."""
    if "botocore" in sys.modules:
        found = _describe_client_failure(error)
        if found:
            return found
    from gyropilot.sdk.errors import NoBestCandidateError, SessionError, UnexpectedStatusException

    if isinstance(error, SessionError):
        return f"{error}\nSee what is wrong with: gyropilot doctor", Exit.NO_SERVER
    if isinstance(error, OSError | NoBestCandidateError | UnexpectedStatusException):
        return str(error), Exit.FAILED
    if "gyropilot.engine.errors" in sys.modules:
        from gyropilot.engine.errors import EngineError

        if isinstance(error, EngineError):
            return str(error), Exit.FAILED
    return f"{type(error).__name__}: {error}", Exit.FAILED


def _describe_client_failure(error: Exception) -> tuple[str, Exit] | None:
    """Return the server's own words, or what kept them from coming; None for any other error."""
    import boto3.exceptions
    import botocore.exceptions

    if isinstance(error, botocore.exceptions.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        words = error.response.get("Error", {}).get("Message") or str(error)
        if code in NOT_FOUND_CODES or words.startswith(NOT_FOUND_WORDS):
            return words, Exit.NOT_FOUND
        if code in DENIED_CODES:
            return f"{words}\nThe keys are those of the state folder, or what boto3 finds.", Exit.NO_SERVER
        return words, Exit.FAILED
    if isinstance(error, botocore.exceptions.NoCredentialsError):
        remedy = (
            "Name the server's state folder with GYROPILOT_HOME, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
        return f"There are no keys to sign requests with.\n{remedy}", Exit.NO_SERVER
    if isinstance(error, botocore.exceptions.ConnectionError | botocore.exceptions.HTTPClientError):
        return f"The server does not answer: {error}\nSee what is wrong with: gyropilot doctor", Exit.NO_SERVER
    if isinstance(error, botocore.exceptions.BotoCoreError | boto3.exceptions.Boto3Error):
        return str(error), Exit.FAILED
    return None
