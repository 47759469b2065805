"""What can go wrong between a session and its server, and what a job or an endpoint may come to."""

from __future__ import annotations

from collections.abc import Sequence


class SessionError(Exception):
    """The server cannot be used; the message says why and what to do."""


class ServerStartError(SessionError):
    """No server answers and none could be started; the message holds the end of its log."""


class UnexpectedStatusException(ValueError):  # noqa: N818  # the name that scripts catch
    """A job or an endpoint ended otherwise than it was waited for; the message holds its reason.

    Args:
        message: what ended how, and why.
        allowed_statuses: the ends that would have been right.
        actual_status: the end that came.
    """

    def __init__(self, message: str, allowed_statuses: Sequence[str], actual_status: str) -> None:
        self.allowed_statuses = allowed_statuses
        self.actual_status = actual_status
        super().__init__(message)


class CapacityError(UnexpectedStatusException):
    """There was no machine to run on; try again later or with another instance type."""


class NoBestCandidateError(KeyError):
    """A job has no best candidate, or none yet; scripts that catch `KeyError` go on to work."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show its quotation marks
