"""The HTTP edge: the only asynchronous part. Short bodies are spooled, the API runs in threads, answers stream.

Only what is brief is answered without a thread: two threads that take turns at the interpreter need twice the time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gyropilot.api.application import MAX_OBJECT_BYTES, Application
from gyropilot.api.wire import Stream, WireRequest, WireResponse
from gyropilot.server.incoming import IncomingBody
from gyropilot.server.pages import Pages

T = TypeVar("T")

THREADS = 64
INVOKING_THREADS = 256
"""Invocations have threads of their own, and more: most of them wait, for models or for model servers that start."""
SPOOL_BYTES = 1 << 20
PIECE_BYTES = 1 << 18
MAX_DIGITS = 20
"""Of a length; more than any body has."""


def make_app(application: Application, pages: Pages) -> ASGIApp:
    """Return the ASGI application.

    Args:
        application: answers AWS requests.
        pages: answers requests for the server's own pages.
    """
    limiters: list[_Limiters] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not limiters:
            limiters.append(_Limiters())  # they belong to the running event loop
        request = Request(scope, receive)
        if pages.has(request):
            await pages.answer(request)(scope, receive, send)
        else:
            await _Exchange(application, limiters[0], request).run(scope, receive, send)

    return app


class _Limiters:
    """How many threads do what at once: long uploads over slow lines keep nobody else waiting."""

    def __init__(self) -> None:
        self.uploads = CapacityLimiter(THREADS)
        self.invocations = CapacityLimiter(INVOKING_THREADS)
        self.others = CapacityLimiter(THREADS)


class _Exchange:
    """One request and its answer."""

    def __init__(self, application: Application, limiters: _Limiters, request: Request) -> None:
        self._application = application
        self._limiters = limiters
        self._request = request

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            wire_request = _read_head(self._request, cast("BinaryIO", spool))
            try:
                response = await self._read_body(wire_request)
            except ClientDisconnect:
                return
            await self._send(response, scope, receive, send)

    async def _read_body(self, wire_request: WireRequest) -> WireResponse:
        """Return the answer; a body that is too long is refused as soon as that is known."""
        if refusal := self._application.refuse_large_body(wire_request):
            return refusal
        if self._application.reads_body_as_it_comes(wire_request):
            body = IncomingBody(self._request.stream(), limit_bytes=MAX_OBJECT_BYTES)
            incoming = replace(wire_request, body=cast("BinaryIO", body))
            try:
                answer = partial(self._application.handle, incoming)
                return await to_thread.run_sync(answer, limiter=self._limiters.uploads)
            finally:
                await body.stop()
        length, waiting = 0, bytearray()
        async for piece in self._request.stream():
            length += len(piece)
            waiting += piece
            if refusal := self._application.refuse_large_body(replace(wire_request, length=length)):
                return refusal
            if len(waiting) >= SPOOL_BYTES:  # to the disk, which may block
                await self._in_thread(partial(wire_request.body.write, bytes(waiting)))
                waiting.clear()
        wire_request.body.write(waiting)
        wire_request.body.seek(0)
        whole = replace(wire_request, length=length)
        if self._application.answers_at_once(whole):
            return self._application.handle(whole)
        limiter = self._limiters.invocations if self._application.is_invocation(whole) else self._limiters.others
        return await to_thread.run_sync(partial(self._application.handle, whole), limiter=limiter)

    async def _send(self, response: WireResponse, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(response.headers)
        if not isinstance(response.body, Stream):
            await Response(response.body, response.status, headers)(scope, receive, send)
            return
        stream = response.body
        headers["Content-Length"] = str(stream.length)
        try:
            await StreamingResponse(self._read_pieces(stream), response.status, headers)(scope, receive, send)
        finally:
            stream.close()

    async def _read_pieces(self, stream: Stream) -> AsyncIterator[bytes]:
        left = stream.length
        while left and (piece := await self._in_thread(partial(stream.content.read, min(left, PIECE_BYTES)))):
            left -= len(piece)
            yield piece

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await to_thread.run_sync(function, limiter=self._limiters.others)


def _read_head(request: Request, body: BinaryIO) -> WireRequest:
    scope = request.scope
    declared = request.headers.get("content-length", "0")
    return WireRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=_join_headers(scope["headers"]),
        body=body,
        length=int(declared) if declared.isascii() and declared.isdecimal() and len(declared) < MAX_DIGITS else 0,
    )


def _join_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers
