"""The HTTP application: liveness, limits for batches, predictions."""

from __future__ import annotations

import asyncio
import logging
import os

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gyropilot.engine.errors import RequestError
from gyropilot.serving.answers import write_answers
from gyropilot.serving.media import CSV, MediaTypeError, choose_incoming, choose_outgoing
from gyropilot.serving.model import Model
from gyropilot.serving.options import ServingOptions
from gyropilot.serving.rows import read_rows

log = logging.getLogger(__name__)

INLINE_BYTES = 16 * 1024
"""Up to this size a body is answered on the event loop, which is faster than a thread and holds nobody up."""
BATCH_MEGABYTES = 6
ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
"""The header that goes through an endpoint in both directions."""


class BodyTooLargeError(Exception):
    """The request's body is above the limit."""


class ModelApp:
    """Answers requests with one model."""

    def __init__(self, model: Model, options: ServingOptions) -> None:
        self._model = model
        self._options = options

    async def ping(self, _request: Request) -> Response:
        """Say that the model is loaded."""
        return Response()

    async def execution_parameters(self, _request: Request) -> Response:
        """Tell batch transform how to send its requests."""
        return JSONResponse(
            {
                "MaxConcurrentTransforms": os.cpu_count() or 1,
                "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": BATCH_MEGABYTES,
            }
        )

    async def invocations(self, request: Request) -> Response:
        """Predict the rows of the body; an error is a line of text with its HTTP status."""
        try:
            return await self._answer(request)
        except MediaTypeError as error:
            return _refuse(error.status, str(error))
        except RequestError as error:
            return _refuse(400, str(error))
        except TimeoutError:
            return _refuse(408, f"The body did not come within {self._options.body_seconds:g} seconds.")
        except BodyTooLargeError:
            return _refuse(413, f"The body is larger than {self._options.max_bytes} bytes.")
        except ClientDisconnect:
            return _refuse(400, "The client went away.")
        except Exception:
            log.exception("a prediction failed")
            return _refuse(500, "The prediction failed; the model server's output tells why.")

    async def _answer(self, request: Request) -> Response:
        incoming = choose_incoming(request.headers.get("content-type", ""))
        outgoing = choose_outgoing(request.headers.get("accept", ""), self._options.default_accept)
        async with asyncio.timeout(self._options.body_seconds):
            body = await self._read_body(request)
        if len(body) > INLINE_BYTES:
            content = await run_in_threadpool(self._predict, body, incoming, outgoing)
        else:
            content = self._predict(body, incoming, outgoing)
        headers = {"content-type": f"{CSV}; charset=utf-8" if outgoing == CSV else outgoing}
        if ATTRIBUTES in request.headers:
            headers[ATTRIBUTES] = request.headers[ATTRIBUTES]
        return Response(content, headers=headers)

    async def _read_body(self, request: Request) -> bytes:
        if int(request.headers.get("content-length", 0)) > self._options.max_bytes:
            raise BodyTooLargeError
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._options.max_bytes:
                raise BodyTooLargeError
            chunks.append(chunk)
        return b"".join(chunks)

    def _predict(self, body: bytes, incoming: str, outgoing: str) -> bytes:
        rows = read_rows(body, incoming, self._model)
        return write_answers(self._model.predict_rows(rows), self._model, self._options, outgoing)


def make_app(model: Model, options: ServingOptions) -> Starlette:
    """Return the application that serves a model."""
    app = ModelApp(model, options)
    return Starlette(
        routes=[
            Route("/ping", app.ping, methods=["GET"]),
            Route("/invocations", app.invocations, methods=["POST"]),
            Route("/execution-parameters", app.execution_parameters, methods=["GET"]),
        ]
    )


def _refuse(status: int, message: str) -> Response:
    log.warning("a request was answered with %d: %s", status, message)
    return Response(message, status, headers={"content-type": "text/plain; charset=utf-8"})
