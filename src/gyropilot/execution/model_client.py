"""Speaks HTTP to model servers over connections that are kept open."""

from __future__ import annotations

import time
from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from gyropilot.service.ports import Answer

_READY_SECONDS = 1.0
_CONNECTIONS_PER_SERVER = 96
_SERVERS = 256
_CHUNK_BYTES = 1 << 20


class HttpModelClient:
    """A `ModelClient` on urllib3; safe to use from several threads.

    Nothing is sent twice: an invocation may have effects. A kept connection that the server closed meanwhile is noticed
    by urllib3 before anything is sent on it, and replaced.
    """

    def __init__(self) -> None:
        self._pools = urllib3.PoolManager(num_pools=_SERVERS, maxsize=_CONNECTIONS_PER_SERVER, retries=False)

    def is_ready(self, address: str) -> bool:
        """Tell whether `GET /ping` answers 200 within a second."""
        try:
            return self._send(address, "GET", "/ping", None, {}, _READY_SECONDS).status == 200
        except (TimeoutError, ConnectionError):
            return False

    def invoke(self, address: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        """Send `POST /invocations` and return the answer, whatever its status."""
        return self._send(address, "POST", "/invocations", body, headers, timeout_seconds)

    def close(self) -> None:
        """Close the kept connections."""
        self._pools.clear()

    def _send(
        self, address: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        deadline = time.monotonic() + seconds
        try:
            response = self._pools.connection_from_url(address).urlopen(
                method,
                path,
                body,
                headers,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(total=seconds),
                preload_content=False,
                decode_content=False,
            )
            try:
                content = _read_until(response, deadline)
            except BaseException:
                # The rest of the answer would be taken for the next one: this connection cannot be used again.
                response.close()
                raise
            response.release_conn()
        except NewConnectionError as error:  # a subclass of the timeout that follows
            raise ConnectionRefusedError(f"cannot connect to the model server at {address}") from error
        except Urllib3TimeoutError as error:
            raise TimeoutError(f"the model server at {address} gave no whole answer within {seconds:g} s") from error
        except HTTPError as error:
            raise ConnectionError(f"the model server at {address} broke off: {error}") from error
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=content,
        )


def _read_until(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Read the whole body; a socket's own limit starts anew with each piece, so a trickling server is stopped here."""
    chunks = []
    while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
        chunks.append(chunk)
        if time.monotonic() > deadline:
            raise Urllib3TimeoutError("the answer took too long")
    return b"".join(chunks)
