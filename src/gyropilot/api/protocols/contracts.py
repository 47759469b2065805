"""What a protocol does, and the values that pass between it and the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.model import OperationModel

from gyropilot.api.wire import WireRequest, WireResponse

Document = dict[str, Any]
"""Parameters of a request or members of a result, by the names of the service model."""


class MalformedRequestError(Exception):
    """The bytes are not what the protocol prescribes, so that there is no document to check."""


@dataclass(frozen=True, kw_only=True)
class WireError:
    """An error as a client sees it."""

    code: str
    """The error's code."""
    message: str
    """What went wrong, for people."""
    status: int
    """The HTTP status."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the error's shape."""

    @property
    def is_fault(self) -> bool:
        """Whether the server is to blame, not the client."""
        return self.status >= 500


class WireProtocol(Protocol):
    """Reads and writes one AWS protocol."""

    def read(self, operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
        """Return the parameters; `labels` are the parts of the path that the route found, decoded.

        Raises:
            MalformedRequestError: when the bytes are not of the protocol.
        """
        ...

    def write(self, operation: OperationModel, result: Document, request_id: str) -> WireResponse:
        """Return the answer with this result."""
        ...

    def write_error(self, error: WireError, request_id: str) -> WireResponse:
        """Return the answer with this error."""
        ...
