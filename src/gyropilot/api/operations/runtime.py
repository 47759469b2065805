"""Invocations of endpoints."""

from __future__ import annotations

from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.service.async_invocations import AsyncRequest
from gyropilot.service.invocations import Invocation

PASSED = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
}
"""Parameters that go to the model, and the headers they go in."""

QUEUE_SECONDS = 21_600
"""How long an asynchronous invocation may wait for its turn, unless it says: AWS's default."""
ASYNC_SECONDS = 900
"""How long a model may take over one, unless it says: AWS's default."""

NOT_YET = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "EnableExplanations", "SessionId")
"""Parameters that ask for what Gyropilot does not do yet."""


def invoke_endpoint(context: Context, params: Params) -> Result:
    """Pass a request on to a model of the endpoint and its answer back."""
    for name in NOT_YET:
        if name in params:
            raise context.refuse(f"Gyropilot does not support {name} yet. Leave it out.")
    headers = _read_headers(params)
    variant, answer = context.service.invocations.invoke(
        Invocation(
            endpoint=params["EndpointName"],
            body=params.get("Body", b""),
            headers=headers,
            variant=params.get("TargetVariant", ""),
            began=context.began,
        )
    )
    result = {
        "Body": answer.body,
        "ContentType": answer.headers.get("content-type", "application/octet-stream"),
        "InvokedProductionVariant": variant,
    }
    attributes = answer.headers.get("x-amzn-sagemaker-custom-attributes")
    return result | ({"CustomAttributes": attributes} if attributes else {})


def invoke_endpoint_async(context: Context, params: Params) -> Result:
    """Queue a request to a model of the endpoint, and tell where its answer will be."""
    invocation = context.service.async_invocations.submit(
        AsyncRequest(
            endpoint=params["EndpointName"],
            headers=_read_headers(params),
            input_uri=params.get("InputLocation", ""),
            body=params.get("Body", b""),
            inference_id=params.get("InferenceId", ""),
            folder=params.get("S3OutputPathExtension", ""),
            filename=params.get("Filename", ""),
            queue_seconds=params.get("RequestTTLSeconds", QUEUE_SECONDS),
            timeout_seconds=params.get("InvocationTimeoutSeconds", ASYNC_SECONDS),
        )
    )
    result = {"InferenceId": invocation.inference_id, "OutputLocation": invocation.output_uri}
    return result | ({"FailureLocation": invocation.failure_uri} if invocation.failure_uri else {})


def _read_headers(params: Params) -> dict[str, str]:
    return {header: params[name] for name, header in PASSED.items() if name in params}
