"""What an operation has at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gyropilot.api.errors import ApiError, invalid, not_implemented
from gyropilot.service.access import Caller
from gyropilot.service.service import Service

Params = dict[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request's surroundings."""

    service: Service
    """The service that does the work."""
    aws_service: str
    """The AWS service that was called, by botocore's name."""
    operation: str
    """The operation that was called."""
    caller: Caller
    """Who called."""
    began: float
    """When the request came, by `time.perf_counter`."""
    host: str
    """What the client calls the server, with the port."""

    def refuse(self, message: str) -> ApiError:
        """Return the error for a request that breaks a rule, in the code of the AWS service."""
        return ApiError.of(invalid(self.aws_service, message))

    def refuse_unserved(self, what: str) -> ApiError:
        """Return the error for something that Gyropilot does not do yet."""
        return ApiError.of(not_implemented(self.aws_service, f"Gyropilot does not serve {what} yet."))


Operation = Callable[[Context, Params], Result]
"""Does what one operation asks for."""
