"""A model of one or several containers: created, deployed, and applied to files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gyropilot.sdk import defaults
from gyropilot.sdk.automl.options import choose_role, choose_session
from gyropilot.sdk.automl.request import check_vpc_config, format_tags, keep_given
from gyropilot.sdk.models.deserializers import BaseDeserializer, CSVDeserializer
from gyropilot.sdk.models.predictor import Predictor
from gyropilot.sdk.models.serializers import BaseSerializer, CSVSerializer
from gyropilot.sdk.models.transformer import Transformer
from gyropilot.sdk.names import name_from_base, name_from_image

if TYPE_CHECKING:
    from gyropilot.sdk.models.model import Model
    from gyropilot.sdk.session import Session

VARIANT = "AllTraffic"

logger = logging.getLogger(__name__)


class PipelineModel:
    """Containers that answer together, each handing on to the next.

    Args:
        models: the containers, in their order.
        role: the role of the containers, an ARN or a name; Gyropilot's own unless given. AWS needs one.
        predictor_cls: makes what `deploy` returns, from the endpoint's name and the session; a `Predictor` of CSV
            unless given.
        name: the model's name; made of the first image and the time unless given.
        vpc_config: network of the containers: `Subnets` and `SecurityGroupIds`.
        sagemaker_session: where it is created; a Gyropilot server on this machine unless given.
        enable_network_isolation: whether the containers may reach no network.
    """

    def __init__(
        self,
        models: Sequence[Model],
        role: str | None = None,
        predictor_cls: Callable[[str, Session], Any] | None = None,
        name: str | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        sagemaker_session: Session | None = None,
        enable_network_isolation: bool | None = None,
    ) -> None:
        self.sagemaker_session = choose_session(sagemaker_session)
        self.models = list(models)
        self.role = role
        self.predictor_cls = predictor_cls
        self.name = name
        self.vpc_config = check_vpc_config(vpc_config)
        self.enable_network_isolation = enable_network_isolation
        self.endpoint_name: str | None = None

    def __repr__(self) -> str:
        return f"PipelineModel({self.models!r}, name={self.name!r})"

    def pipeline_container_def(self, instance_type: str | None = None) -> list[dict[str, Any]]:
        """Return `Containers` of the request that creates the model; the kind of machine makes no difference."""
        del instance_type
        return [model.container_def() for model in self.models]

    def create(self, instance_type: str) -> None:
        """Create the model on the server; one of this name that is there already is left as it is.

        Args:
            instance_type: the kind of machine it is meant for; makes no difference.

        Raises:
            botocore.exceptions.ClientError: when the server refuses it.
        """
        self._create(instance_type, tags=None)

    def _create(self, instance_type: str, tags: Any) -> str:
        from botocore.exceptions import ClientError

        containers = self.pipeline_container_def(instance_type)
        self.name = self.name or name_from_image(containers[0]["Image"])
        request = {
            "ModelName": self.name,
            "ExecutionRoleArn": self._find_role(),
            "Containers": containers,
            **keep_given({"VpcConfig": self.vpc_config}),
            **({"EnableNetworkIsolation": True} if self.enable_network_isolation else {}),
            **({"Tags": format_tags(tags)} if tags else {}),
        }
        logger.info("Creating model with name: %s", self.name)
        sagemaker: Any = self.sagemaker_session.sagemaker_client
        try:
            sagemaker.create_model(**request)
        except ClientError as error:
            if "Cannot create already existing model" not in error.response["Error"]["Message"]:
                raise
            logger.warning("Using already existing model: %s", self.name)
        return self.name

    def _find_role(self) -> str:
        session = self.sagemaker_session
        role = self.role or defaults.find_default(session.sagemaker_config, defaults.MODEL_ROLE)
        return session.expand_role(choose_role(session, role))

    def deploy(
        self,
        initial_instance_count: int,
        instance_type: str,
        serializer: BaseSerializer | None = None,
        deserializer: BaseDeserializer | None = None,
        endpoint_name: str | None = None,
        tags: Any = None,
        wait: bool = True,
        update_endpoint: bool = False,
        data_capture_config: Mapping[str, Any] | None = None,
        kms_key: str | None = None,
        volume_size: int | None = None,
        model_data_download_timeout: int | None = None,
        container_startup_health_check_timeout: int | None = None,
    ) -> Any:
        """Serve the model under an endpoint and return what asks it: a `Predictor` of CSV unless told otherwise.

        Args:
            initial_instance_count: how many machines; recorded, there is one here.
            instance_type: their kind, as `ml.m5.large`; recorded.
            serializer: writes what is predicted for; the predictor's own unless given.
            deserializer: reads what is answered; the predictor's own unless given.
            endpoint_name: the endpoint's name; the model's unless given.
            tags: tags of model, configuration and endpoint.
            wait: whether to wait until the endpoint is in service.
            update_endpoint: whether an endpoint of this name takes the model over, instead of a new one.
            data_capture_config: `DataCaptureConfig` of the endpoint's configuration.
            kms_key: the key that encrypts the machines' disks; recorded.
            volume_size: size of each machine's disk in GB; recorded.
            model_data_download_timeout: how many seconds the archive may take to be fetched; recorded.
            container_startup_health_check_timeout: how many seconds the model may take to be opened; recorded.

        Raises:
            UnexpectedStatusException: when the endpoint came not into service.
            botocore.exceptions.ClientError: when the server refuses one of the steps.
        """
        model = self._create(instance_type, tags)
        self.endpoint_name = endpoint_name or model
        variant = {
            "VariantName": VARIANT,
            "ModelName": model,
            "InitialInstanceCount": initial_instance_count,
            "InstanceType": instance_type,
            "InitialVariantWeight": 1,
            "VolumeSizeInGB": volume_size,
            "ModelDataDownloadTimeoutInSeconds": model_data_download_timeout,
            "ContainerStartupHealthCheckTimeoutInSeconds": container_startup_health_check_timeout,
        }
        options = {"KmsKeyId": kms_key, "DataCaptureConfig": data_capture_config}
        config = {
            "EndpointConfigName": name_from_base(model) if update_endpoint else self.endpoint_name,
            "ProductionVariants": [keep_given(variant)],
            "Tags": format_tags(tags),
            **keep_given(options),
        }
        self._serve(config, self.endpoint_name, is_update=update_endpoint)
        if wait:
            self.sagemaker_session.wait_for_endpoint(self.endpoint_name)
        return self._make_predictor(self.endpoint_name, serializer, deserializer)

    def _serve(self, config: dict[str, Any], endpoint: str, *, is_update: bool) -> None:
        sagemaker: Any = self.sagemaker_session.sagemaker_client
        names = {"EndpointName": endpoint, "EndpointConfigName": config["EndpointConfigName"]}
        logger.info("Creating endpoint-config with name %s", config["EndpointConfigName"])
        sagemaker.create_endpoint_config(**config)
        if is_update:
            sagemaker.update_endpoint(**names)
            return
        logger.info("Creating endpoint with name %s", endpoint)
        sagemaker.create_endpoint(**names, Tags=config["Tags"])

    def _make_predictor(
        self, endpoint: str, serializer: BaseSerializer | None, deserializer: BaseDeserializer | None
    ) -> Any:
        if self.predictor_cls is None:
            return Predictor(
                endpoint, self.sagemaker_session, serializer or CSVSerializer(), deserializer or CSVDeserializer()
            )
        predictor = self.predictor_cls(endpoint, self.sagemaker_session)
        if serializer:
            predictor.serializer = serializer
        if deserializer:
            predictor.deserializer = deserializer
        return predictor

    def transformer(
        self,
        instance_count: int,
        instance_type: str,
        strategy: str | None = None,
        assemble_with: str | None = None,
        output_path: str | None = None,
        output_kms_key: str | None = None,
        accept: str | None = None,
        env: Mapping[str, str] | None = None,
        max_concurrent_transforms: int | None = None,
        max_payload: int | None = None,
        tags: Any = None,
        volume_kms_key: str | None = None,
    ) -> Transformer:
        """Create the model, and return what applies it to files in S3; the arguments are those of `Transformer`."""
        return Transformer(
            model_name=self._create(instance_type, tags),
            instance_count=instance_count,
            instance_type=instance_type,
            strategy=strategy,
            assemble_with=assemble_with,
            output_path=output_path,
            output_kms_key=output_kms_key,
            accept=accept,
            max_concurrent_transforms=max_concurrent_transforms,
            max_payload=max_payload,
            env=env,
            tags=tags,
            base_transform_job_name=self.name,
            volume_kms_key=volume_kms_key,
            sagemaker_session=self.sagemaker_session,
        )

    def delete_model(self) -> None:
        """Delete the model from the server.

        Raises:
            ValueError: when it was never created.
        """
        if self.name is None:
            raise ValueError("The SageMaker model must be created before attempting to delete.")
        self.sagemaker_session.delete_model(self.name)
