"""What a session does with models and endpoints by their names."""

from __future__ import annotations

from typing import Any

from gyropilot.sdk.clients import Clients
from gyropilot.sdk.errors import CapacityError, UnexpectedStatusException
from gyropilot.sdk.waiting import look_until

IN_SERVICE = "InService"
MOVING = {"Creating", "Updating", "SystemUpdating"}

Document = dict[str, Any]


class EndpointCalls(Clients):
    """Models, endpoint configurations and endpoints."""

    def describe_endpoint(self, endpoint_name: str) -> Document:
        """Return the answer of `DescribeEndpoint`."""
        return dict(self.sagemaker_client.describe_endpoint(EndpointName=endpoint_name))

    def describe_endpoint_config(self, endpoint_config_name: str) -> Document:
        """Return the answer of `DescribeEndpointConfig`."""
        return dict(self.sagemaker_client.describe_endpoint_config(EndpointConfigName=endpoint_config_name))

    def describe_model(self, name: str) -> Document:
        """Return the answer of `DescribeModel`."""
        return dict(self.sagemaker_client.describe_model(ModelName=name))

    def endpoint_in_service_or_not(self, endpoint_name: str) -> bool:
        """Tell whether an endpoint is there and answers."""
        from botocore.exceptions import ClientError

        try:
            return bool(self.describe_endpoint(endpoint_name)["EndpointStatus"] == IN_SERVICE)
        except ClientError as error:
            if "Could not find" in error.response["Error"]["Message"]:
                return False
            raise

    def delete_endpoint(self, endpoint_name: str) -> None:
        """Take an endpoint down."""
        self.sagemaker_client.delete_endpoint(EndpointName=endpoint_name)

    def delete_endpoint_config(self, endpoint_config_name: str) -> None:
        """Delete an endpoint configuration."""
        self.sagemaker_client.delete_endpoint_config(EndpointConfigName=endpoint_config_name)

    def delete_model(self, model_name: str) -> None:
        """Delete a model; the archive that it was made of stays."""
        self.sagemaker_client.delete_model(ModelName=model_name)

    def wait_for_endpoint(self, endpoint: str, poll: float = 30, live_logging: bool = False) -> Document:
        """Wait until an endpoint is in service and return its description.

        Args:
            endpoint: its name.
            poll: the longest pause between two looks, in seconds.
            live_logging: taken for the sake of scripts that give it; an endpoint's log is not shown.

        Raises:
            UnexpectedStatusException: when it came to another end.
        """
        del live_logging
        pause = min(poll, self.poll_seconds)
        seen = look_until(
            lambda: self.describe_endpoint(endpoint), lambda it: it["EndpointStatus"] not in MOVING, pause
        )
        status, reason = seen["EndpointStatus"], seen.get("FailureReason", "")
        if status != IN_SERVICE:
            message = f"Error hosting endpoint {endpoint}: {status}. Reason: {reason or '(No reason provided)'}."
            raising = CapacityError if "CapacityError" in reason else UnexpectedStatusException
            raise raising(message, allowed_statuses=[IN_SERVICE], actual_status=status)
        return seen
