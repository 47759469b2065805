"""Invocations of endpoints."""

from __future__ import annotations

from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.service.invocations import Invocation

PASSED = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
}
"""Parameters that go to the model, and the headers they go in."""

NOT_YET = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "EnableExplanations", "SessionId")
"""Parameters that ask for what Gyropilot does not do yet."""


def invoke_endpoint(context: Context, params: Params) -> Result:
    """Pass a request on to a model of the endpoint and its answer back."""
    for name in NOT_YET:
        if name in params:
            raise context.refuse(f"Gyropilot does not support {name} yet. Leave it out.")
    headers = {header: params[name] for name, header in PASSED.items() if name in params}
    variant, answer = context.service.invocations.invoke(
        Invocation(
            endpoint=params["EndpointName"],
            body=params.get("Body", b""),
            headers=headers,
            variant=params.get("TargetVariant", ""),
        )
    )
    result = {
        "Body": answer.body,
        "ContentType": answer.headers.get("content-type", "application/octet-stream"),
        "InvokedProductionVariant": variant,
    }
    attributes = answer.headers.get("x-amzn-sagemaker-custom-attributes")
    return result | ({"CustomAttributes": attributes} if attributes else {})
