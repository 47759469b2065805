"""Models as AWS's documents."""

from __future__ import annotations

from typing import Any

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.identity import Identity
from gyropilot.service.records import Container, Model


def read_containers(params: dict[str, Any]) -> tuple[Container, ...]:
    """Return the containers of a create request.

    Raises:
        InvalidRequestError: when there are none, or they ask for what Gyropilot does not do yet.
    """
    if ("PrimaryContainer" in params) == bool(params.get("Containers")):
        raise InvalidRequestError("Exactly one of PrimaryContainer and Containers must be provided.")
    if params.get("InferenceExecutionConfig", {}).get("Mode") == "Direct":
        raise InvalidRequestError("Gyropilot does not support InferenceExecutionConfig.Mode Direct yet. Use Serial.")
    definitions = params.get("Containers") or [params["PrimaryContainer"]]
    return tuple(_read_container(definition) for definition in definitions)


def _read_container(definition: dict[str, Any]) -> Container:
    for name in ("ModelPackageName", "ModelDataSource", "MultiModelConfig"):
        if name in definition:
            raise InvalidRequestError(f"Gyropilot does not support {name} yet. Use Image and ModelDataUrl.")
    if definition.get("Mode") == "MultiModel":
        raise InvalidRequestError("Gyropilot does not support containers of Mode MultiModel yet. Use SingleModel.")
    for name in ("Image", "ModelDataUrl"):
        if name not in definition:
            raise InvalidRequestError(f"A container must have {name}.")
    if not definition["ModelDataUrl"].endswith(".tar.gz"):
        raise InvalidRequestError(f"ModelDataUrl must be the location of a .tar.gz, not {definition['ModelDataUrl']}.")
    return Container(
        image=definition["Image"],
        model_data_url=definition["ModelDataUrl"],
        environment=definition.get("Environment", {}),
    )


def describe_model(model: Model, identity: Identity) -> dict[str, Any]:
    """Return the answer of `DescribeModel`."""
    return {
        "EnableNetworkIsolation": False,
        **{name: value for name, value in model.request.items() if name != "Tags"},
        **summarize_model(model, identity),
    }


def summarize_model(model: Model, identity: Identity) -> dict[str, Any]:
    """Return a `ModelSummary`."""
    return {"ModelName": model.name, "ModelArn": identity.model_arn(model.name), "CreationTime": model.created_at}
