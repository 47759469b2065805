"""Asks the model of an endpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.automl.options import choose_session
from gyropilot.sdk.automl.request import format_tags, keep_given
from gyropilot.sdk.models.deserializers import BaseDeserializer, BytesDeserializer
from gyropilot.sdk.models.serializers import BaseSerializer, IdentitySerializer
from gyropilot.sdk.names import name_from_base

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

logger = logging.getLogger(__name__)

IDENTITY, BYTES = IdentitySerializer(), BytesDeserializer()


class Predictor:
    """Predictions from an endpoint.

    Args:
        endpoint_name: the endpoint.
        sagemaker_session: where it is; a Gyropilot server on this machine unless given.
        serializer: writes what is predicted for.
        deserializer: reads what is answered.
        component_name: the inference component that is asked, where an endpoint has several; AWS only.
        **kwargs: `content_type` and `accept`, instead of what serializer and deserializer say.

    Raises:
        TypeError: for any other keyword.
    """

    def __init__(
        self,
        endpoint_name: str,
        sagemaker_session: Session | None = None,
        serializer: BaseSerializer = IDENTITY,
        deserializer: BaseDeserializer = BYTES,
        component_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = kwargs.keys() - {"content_type", "accept"}
        if unknown:
            raise TypeError(f"Predictor takes no {', '.join(sorted(unknown))}.")
        self.endpoint_name = endpoint_name
        self.sagemaker_session = choose_session(sagemaker_session)
        self.serializer = serializer
        self.deserializer = deserializer
        self.component_name = component_name
        self._content_type = kwargs.get("content_type")
        self._accept = kwargs.get("accept")

    def __repr__(self) -> str:
        return f"Predictor({self.endpoint_name!r})"

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.endpoint_name

    @property
    def content_type(self) -> str:
        """The media type of what is sent."""
        return self._content_type or self.serializer.CONTENT_TYPE

    @property
    def accept(self) -> str | tuple[str, ...]:
        """The media types of what may come back."""
        return self._accept or self.deserializer.ACCEPT

    def predict(
        self,
        data: Any,
        initial_args: Mapping[str, Any] | None = None,
        target_model: str | None = None,
        target_variant: str | None = None,
        inference_id: str | None = None,
        custom_attributes: str | None = None,
        component_name: str | None = None,
    ) -> Any:
        """Return what the model says of data, read by the deserializer.

        Args:
            data: whatever the serializer writes.
            initial_args: members of `InvokeEndpoint` that go before those that follow from the other arguments.
            target_model: which model of an endpoint with many; AWS only.
            target_variant: which variant is asked.
            inference_id: an identifier for what is captured; AWS only.
            custom_attributes: handed on to the container.
            component_name: the inference component that is asked; AWS only.

        Raises:
            botocore.exceptions.ClientError: when the endpoint or its model refuses.
        """
        accept = self.accept
        request = {
            "EndpointName": self.endpoint_name,
            "ContentType": self.content_type,
            "Accept": accept if isinstance(accept, str) else ", ".join(accept),
            "TargetModel": target_model,
            "TargetVariant": target_variant,
            "InferenceId": inference_id,
            "CustomAttributes": custom_attributes,
            "InferenceComponentName": component_name or self.component_name,
            **(initial_args or {}),
        }
        body = {} if "Body" in request else {"Body": self.serializer.serialize(data)}
        runtime: Any = self.sagemaker_session.sagemaker_runtime_client
        answer = runtime.invoke_endpoint(**keep_given(request), **body)
        return self.deserializer.deserialize(answer["Body"], answer.get("ContentType", "application/octet-stream"))

    def update_endpoint(
        self,
        initial_instance_count: int | None = None,
        instance_type: str | None = None,
        accelerator_type: str | None = None,
        model_name: str | None = None,
        tags: Any = None,
        kms_key: str | None = None,
        data_capture_config_dict: Mapping[str, Any] | None = None,
        max_instance_count: int | None = None,
        min_instance_count: int | None = None,
        wait: bool = True,
    ) -> None:
        """Change what stands behind the endpoint, by a new configuration that is the old one with these changes.

        Args:
            initial_instance_count: how many machines; required with another model.
            instance_type: their kind; required with another model.
            accelerator_type: kind of accelerator.
            model_name: another model.
            tags: tags of the new configuration.
            kms_key: the key that encrypts the machines' disks.
            data_capture_config_dict: `DataCaptureConfig` of the new configuration.
            max_instance_count: upper bound of managed scaling.
            min_instance_count: lower bound of managed scaling.
            wait: whether to wait until the change is in service.

        Raises:
            ValueError: when another model comes without machines, or there are several variants to choose from.
            botocore.exceptions.ClientError: when the server refuses the change.
        """
        old = self._describe_config()
        changes = keep_given(
            {
                "InitialInstanceCount": initial_instance_count,
                "InstanceType": instance_type,
                "AcceleratorType": accelerator_type,
                "ModelName": model_name,
            }
        )
        scaling = keep_given({"MaxInstanceCount": max_instance_count, "MinInstanceCount": min_instance_count})
        if scaling:
            changes["ManagedInstanceScaling"] = scaling
        captured = data_capture_config_dict or old.get("DataCaptureConfig")
        config = {
            "EndpointConfigName": name_from_base(old["EndpointConfigName"]),
            "ProductionVariants": _change_variants(old["ProductionVariants"], changes),
            **keep_given({"KmsKeyId": kms_key or old.get("KmsKeyId"), "DataCaptureConfig": captured}),
            **({"Tags": format_tags(tags)} if tags else {}),
        }
        sagemaker: Any = self.sagemaker_session.sagemaker_client
        logger.info("Creating endpoint-config with name %s", config["EndpointConfigName"])
        sagemaker.create_endpoint_config(**config)
        sagemaker.update_endpoint(EndpointName=self.endpoint_name, EndpointConfigName=config["EndpointConfigName"])
        if wait:
            self.sagemaker_session.wait_for_endpoint(self.endpoint_name)

    def _describe_config(self) -> dict[str, Any]:
        endpoint = self.sagemaker_session.describe_endpoint(self.endpoint_name)
        return self.sagemaker_session.describe_endpoint_config(endpoint["EndpointConfigName"])

    def delete_endpoint(self, delete_endpoint_config: bool = True) -> None:
        """Take the endpoint down and, unless told otherwise, delete its configuration."""
        if delete_endpoint_config:
            endpoint = self.sagemaker_session.describe_endpoint(self.endpoint_name)
            self.sagemaker_session.delete_endpoint_config(endpoint["EndpointConfigName"])
        self.sagemaker_session.delete_endpoint(self.endpoint_name)

    def delete_model(self) -> None:
        """Delete the models behind the endpoint; call it before `delete_endpoint`, which forgets what they are."""
        for variant in self._describe_config()["ProductionVariants"]:
            self.sagemaker_session.delete_model(variant["ModelName"])


def _change_variants(variants: list[dict[str, Any]], changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the variants of a configuration with changes of the only one."""
    if not changes:
        return variants
    if "ModelName" in changes and not {"InitialInstanceCount", "InstanceType"} <= changes.keys():
        raise ValueError("Another model_name also needs initial_instance_count and instance_type.")
    if len(variants) != 1:
        names = ", ".join(variant["VariantName"] for variant in variants)
        raise ValueError(f"The endpoint has several variants ({names}); change them with boto3's update_endpoint.")
    return [{**variants[0], **changes}]
