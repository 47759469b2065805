"""Sends events to a web address."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError

from gyropilot.service.courier import EventRefusedError, EventUndeliveredError

SECONDS = 10.0
"""How long a receiver may take."""
TRY_AGAIN = frozenset({408, 409, 425, 429})
"""What a receiver answers that wants the event later."""


class Webhook:
    """An `EventSink` that posts JSON; any 2xx is a receipt, redirects are not followed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False)

    def send(self, event: bytes) -> None:
        """Post one event."""
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=event,
                headers={"content-type": "application/json"},
                timeout=urllib3.Timeout(total=SECONDS),
                redirect=False,
            )
        except HTTPError as error:
            # Without the address: it may hold a token.
            raise EventUndeliveredError(f"the receiver cannot be reached: {type(error).__name__}") from None
        if 200 <= answer.status < 300:
            return
        words = f"the receiver answered {answer.status}"
        if 300 <= answer.status < 500 and answer.status not in TRY_AGAIN:
            raise EventRefusedError(words)
        raise EventUndeliveredError(words)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()
