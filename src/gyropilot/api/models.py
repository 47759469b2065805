"""botocore's service models: the truth about every operation, loaded once."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

SERVICES = ("sagemaker", "sagemaker-runtime", "s3", "sts", "iam", "logs", "cloudwatch")
"""The services that share the port, by botocore's names."""


@cache
def load_service(name: str) -> ServiceModel:
    """Return botocore's model of a service."""
    description = Loader().load_service_model(name, "service-2")
    # Of the protocols of a service, the one that botocore's own clients speak.
    description["metadata"]["protocol"] = ServiceModel(description, service_name=name).resolved_protocol
    return ServiceModel(description, service_name=name)


def load_operation(service: str, operation: str) -> OperationModel:
    """Return botocore's model of one operation.

    Raises:
        botocore.model.OperationNotFoundError: when the service has none of this name.
    """
    return load_service(service).operation_model(operation)
