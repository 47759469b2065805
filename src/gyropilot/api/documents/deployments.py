"""One-click deployments: what a job asks for, and the requests that its best candidate's deployment stands for."""

from __future__ import annotations

import uuid
from typing import Any

from gyropilot.api.documents.candidates import describe_containers
from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.records import AutoMLJob, Candidate

VARIANT = "AllTraffic"
"""The variant of a deployment, as the SageMaker SDK calls it."""
INSTANCE_TYPE = "ml.m5.12xlarge"
"""What AWS deploys ensembles on; it means nothing here."""


def read_endpoint_name(params: dict[str, Any]) -> str:
    """Return the endpoint that a job's best candidate is to be served by; empty: none.

    Raises:
        InvalidRequestError: when a name is given and is to be generated as well.
    """
    config = params.get("ModelDeployConfig", {})
    is_generated, name = config.get("AutoGenerateEndpointName", False), str(config.get("EndpointName", ""))
    if is_generated and name:
        raise InvalidRequestError("EndpointName must not be set when AutoGenerateEndpointName is true.")
    return f"{params['AutoMLJobName']}-{uuid.uuid4().hex[:8]}" if is_generated else name


def write_model_request(job: AutoMLJob, candidate: Candidate) -> dict[str, Any]:
    """Return the `CreateModel` request of a job's deployment: everything in it is called as the endpoint is."""
    return {
        "ModelName": job.endpoint,
        "Containers": describe_containers(candidate.containers),
        "ExecutionRoleArn": job.request["RoleArn"],
    }


def write_config_request(job: AutoMLJob) -> dict[str, Any]:
    """Return the `CreateEndpointConfig` request of a job's deployment."""
    variant = {
        "VariantName": VARIANT,
        "ModelName": job.endpoint,
        "InitialInstanceCount": 1,
        "InstanceType": INSTANCE_TYPE,
        "InitialVariantWeight": 1.0,
    }
    return {"EndpointConfigName": job.endpoint, "ProductionVariants": [variant]}


def describe_deployment(job: AutoMLJob) -> dict[str, Any]:
    """Return the member `ModelDeployResult` of a job whose best candidate is deployed, or nothing."""
    return {"ModelDeployResult": {"EndpointName": job.endpoint}} if job.is_deployed else {}
