"""How long the server waits for a client: connections that only take up room are closed."""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""How long the head of a request may take, from the connection or its own first byte on."""
BODY_SECONDS = 30.0
"""How often a body is looked at while it comes."""
LEAST_BYTES = 16 << 10
"""How much of it must have come in the meantime."""
REFUSAL = b"The request did not come in time."


class PatientProtocol(HttpToolsProtocol):
    """HTTP with limits on how long requests may take to come; uvicorn itself has none before the first answer."""

    _timer: TimerHandle | None = None
    _received = 0
    """Bytes of the body since it was last looked at."""
    _has_begun = False
    """Whether a request has begun to come that is not there yet."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the base class
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the head; that of the first request since the connection was made."""
        super().on_message_begin()
        self._has_begun = True
        if self._timer is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        super().on_headers_complete()
        self._wait_for_body()

    def on_body(self, body: bytes) -> None:
        """Note that the body comes."""
        super().on_body(body)
        self._received += len(body)

    def on_message_complete(self) -> None:
        """Wait no longer."""
        super().on_message_complete()
        self._has_begun = False
        self._stop_waiting()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _wait_for_body(self) -> None:
        self._stop_waiting()
        self._received = 0
        self._timer = self.loop.call_later(BODY_SECONDS, self._look_at_body)

    def _look_at_body(self) -> None:
        """Go on if enough came, or if it is the server that holds the client up."""
        if self._received >= LEAST_BYTES or self.flow.read_paused:
            self._wait_for_body()
        else:
            self._give_up()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        is_answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self._has_begun and not is_answered and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(REFUSAL), REFUSAL)
            )
        self.transport.close()
