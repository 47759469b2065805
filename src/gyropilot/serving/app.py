"""The HTTP application: liveness, limits for batches, predictions."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gyropilot.engine.errors import RequestError
from gyropilot.serving.answers import write_answers
from gyropilot.serving.explaining import explain_rows
from gyropilot.serving.media import CSV, MediaTypeError, choose_incoming, choose_outgoing
from gyropilot.serving.model import Model
from gyropilot.serving.options import ServingOptions, read_probability
from gyropilot.serving.rows import read_rows

log = logging.getLogger(__name__)

INLINE_BYTES = 16 * 1024
"""Up to this size a body is answered on the event loop, which is faster than a thread and holds nobody up."""
BATCH_MEGABYTES = 6
ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
"""The header that goes through an endpoint in both directions."""
EXPLANATIONS = "x-amzn-sagemaker-enable-explanations"
INTERVAL = "prediction-interval"
"""The attribute that asks for bounds, such as `prediction-interval=0.9`."""
EXPLAIN, SHAP = "explain", "shap"
"""The attribute that asks for explanations, `explain=shap`, and the only kind that there is."""


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
        options = choose_options(request.headers, self._options)
        async with asyncio.timeout(self._options.body_seconds):
            body = await self._read_body(request)
        if len(body) > INLINE_BYTES or options.explains:
            content = await run_in_threadpool(self._predict, body, incoming, outgoing, options)
        else:
            content = self._predict(body, incoming, outgoing, options)
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

    def _predict(self, body: bytes, incoming: str, outgoing: str, options: ServingOptions) -> bytes:
        rows = read_rows(body, incoming, self._model)
        answers = self._model.predict_rows(rows)
        explanations = explain_rows(self._model, rows) if options.explains else None
        return write_answers(answers, self._model, options, outgoing, explanations)


def choose_options(headers: Mapping[str, str], options: ServingOptions) -> ServingOptions:
    """Return the options with what a request asks for; of attributes that others read, nothing is said.

    Raises:
        RequestError: when it asks for what no model has.
    """
    if headers.get(EXPLANATIONS, "`false`").strip("` ").lower() != "false":
        raise RequestError(
            "EnableExplanations is for Clarify, which does not run here. "
            f"What asks for explanations is {EXPLAIN}={SHAP} in CustomAttributes."
        )
    for attribute in re.split(r"[,;\s]+", headers.get(ATTRIBUTES, "")):
        name, _, value = attribute.partition("=")
        if name.lower() == INTERVAL:
            try:
                options = replace(options, interval=read_probability(value, INTERVAL))
            except ValueError as error:
                raise RequestError(f"{error}.") from None
        elif name.lower() == EXPLAIN:
            if value.lower() != SHAP:
                raise RequestError(f"{EXPLAIN} must be {SHAP}, not {value[:100]!r}.")
            options = replace(options, explains=True)
    return options


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
