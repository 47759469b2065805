"""Applies a model to files in S3."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from gyropilot.sdk.automl.options import choose_session
from gyropilot.sdk.automl.request import format_tags, keep_given
from gyropilot.sdk.names import base_name_from_image, name_from_base

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

logger = logging.getLogger(__name__)


class Transformer:
    """Batch predictions: every file below an address becomes a file of predictions, named like it with `.out`.

    Args:
        model_name: the model, which is there already.
        instance_count: how many machines; recorded, there is one here.
        instance_type: their kind, as `ml.m5.large`; recorded.
        strategy: `SingleRecord` or `MultiRecord`: how many rows the model is asked about at once.
        assemble_with: `Line` or `None`: whether predictions are joined by line breaks.
        output_path: `s3://` address of the predictions; below the default bucket unless given.
        output_kms_key: key that encrypts them.
        accept: media type of the predictions.
        max_concurrent_transforms: how many requests at once.
        max_payload: how many MB a request may hold.
        tags: tags of the jobs.
        env: further environment of the containers.
        base_transform_job_name: what jobs' names begin with; the repository of the model's image unless given.
        sagemaker_session: where it is; a Gyropilot server on this machine unless given.
        volume_kms_key: key that encrypts the machines' disks.
    """

    JOB_CLASS_NAME = "transform-job"

    def __init__(
        self,
        model_name: str,
        instance_count: int,
        instance_type: str,
        strategy: str | None = None,
        assemble_with: str | None = None,
        output_path: str | None = None,
        output_kms_key: str | None = None,
        accept: str | None = None,
        max_concurrent_transforms: int | None = None,
        max_payload: int | None = None,
        tags: Any = None,
        env: Mapping[str, str] | None = None,
        base_transform_job_name: str | None = None,
        sagemaker_session: Session | None = None,
        volume_kms_key: str | None = None,
    ) -> None:
        self.sagemaker_session = choose_session(sagemaker_session)
        self.model_name = model_name
        self.instance_count = instance_count
        self.instance_type = instance_type
        self.strategy = strategy
        self.assemble_with = assemble_with
        self.output_path = output_path
        self.output_kms_key = output_kms_key
        self.accept = accept
        self.max_concurrent_transforms = max_concurrent_transforms
        self.max_payload = max_payload
        self.tags = tags
        self.env = env
        self.base_transform_job_name = base_transform_job_name
        self.volume_kms_key = volume_kms_key
        self.latest_transform_job: str | None = None
        self._has_default_path = False

    def __repr__(self) -> str:
        return f"Transformer({self.model_name!r})"

    def transform(
        self,
        data: str,
        data_type: str = "S3Prefix",
        content_type: str | None = None,
        compression_type: str | None = None,
        split_type: str | None = None,
        job_name: str | None = None,
        input_filter: str | None = None,
        output_filter: str | None = None,
        join_source: str | None = None,
        experiment_config: Mapping[str, str] | None = None,
        model_client_config: Mapping[str, Any] | None = None,
        batch_data_capture_config: Mapping[str, Any] | None = None,
        wait: bool = True,
        logs: bool = True,
    ) -> None:
        """Create a transform job, and wait for it unless told otherwise.

        Args:
            data: `s3://` address of the rows.
            data_type: `S3Prefix` or `ManifestFile`.
            content_type: media type of the rows, as `text/csv`.
            compression_type: `Gzip` or `None`.
            split_type: `Line` for files of rows; `None` sends a file whole.
            job_name: the job's name; made of `base_transform_job_name` and the time unless given.
            input_filter: JSON path of what of a row the model is asked about.
            output_filter: JSON path of what of a joined row is kept.
            join_source: `Input` puts every prediction behind its row.
            experiment_config: `ExperimentConfig` of the job; AWS only.
            model_client_config: `ModelClientConfig`: time-out and retries of requests.
            batch_data_capture_config: `DataCaptureConfig` of the job; AWS only.
            wait: whether to wait until it is over.
            logs: whether to show the lines of its log meanwhile.

        Raises:
            ValueError: when the address is none of S3.
            UnexpectedStatusException: when the job failed.
            botocore.exceptions.ClientError: when the server refuses it.
        """
        if not data.startswith("s3://"):
            raise ValueError(f"Invalid S3 URI: {data}")
        name = job_name or name_from_base(self.base_transform_job_name or self._name_by_image())
        if self.output_path is None or self._has_default_path:
            bucket, key = self.sagemaker_session.default_location(name)
            self.output_path, self._has_default_path = f"s3://{bucket}/{key}", True
        source = {"S3DataSource": {"S3DataType": data_type, "S3Uri": data}}
        forms = {"ContentType": content_type, "CompressionType": compression_type, "SplitType": split_type}
        processing = keep_given({"InputFilter": input_filter, "OutputFilter": output_filter, "JoinSource": join_source})
        options = {
            "DataProcessing": processing or None,
            "ExperimentConfig": experiment_config,
            "ModelClientConfig": model_client_config,
            "DataCaptureConfig": batch_data_capture_config,
        }
        request = {
            "TransformJobName": name,
            "TransformInput": {"DataSource": source, **keep_given(forms)},
            **self._describe(),
            **keep_given(options),
        }
        logger.info("Creating transform job with name: %s", name)
        sagemaker: Any = self.sagemaker_session.sagemaker_client
        sagemaker.create_transform_job(**request)
        self.latest_transform_job = name
        if wait:
            self.wait(logs=logs)

    def _describe(self) -> dict[str, Any]:
        """Return the members of the request that are the same for every job."""
        output = {
            "S3OutputPath": self.output_path,
            "Accept": self.accept,
            "AssembleWith": self.assemble_with,
            "KmsKeyId": self.output_kms_key,
        }
        resources = {
            "InstanceType": self.instance_type,
            "InstanceCount": self.instance_count,
            "VolumeKmsKeyId": self.volume_kms_key,
        }
        options = {
            "BatchStrategy": self.strategy,
            "MaxConcurrentTransforms": self.max_concurrent_transforms,
            "MaxPayloadInMB": self.max_payload,
            "Environment": self.env,
        }
        return {
            "ModelName": self.model_name,
            "TransformOutput": keep_given(output),
            "TransformResources": keep_given(resources),
            **keep_given(options),
            **({"Tags": format_tags(self.tags)} if self.tags else {}),
        }

    def _name_by_image(self) -> str:
        model = self.sagemaker_session.describe_model(self.model_name)
        container = model.get("PrimaryContainer") or model["Containers"][0]
        return base_name_from_image(container["Image"])

    def _job(self) -> str:
        if self.latest_transform_job is None:
            raise ValueError("There is no transform job yet: call transform, or attach to one.")
        return self.latest_transform_job

    def wait(self, logs: bool = True) -> None:
        """Wait until the latest job is over.

        Args:
            logs: whether to show the lines of its log meanwhile.

        Raises:
            ValueError: when there is no job.
            UnexpectedStatusException: when it failed.
        """
        if logs:
            self.sagemaker_session.logs_for_transform_job(self._job(), wait=True)
        else:
            self.sagemaker_session.wait_for_transform_job(self._job())

    def stop_transform_job(self, wait: bool = True) -> None:
        """Ask the latest job to stop and, unless told otherwise, wait until it has."""
        self.sagemaker_session.stop_transform_job(self._job())
        if wait:
            self.wait(logs=False)

    def delete_model(self) -> None:
        """Delete the model from the server."""
        self.sagemaker_session.delete_model(self.model_name)

    @classmethod
    def attach(cls, transform_job_name: str, sagemaker_session: Session | None = None) -> Self:
        """Return an object for a job that exists, as if it had been created here.

        Raises:
            botocore.exceptions.ClientError: when there is no such job.
        """
        session = choose_session(sagemaker_session)
        job = session.describe_transform_job(transform_job_name)
        output, resources = job["TransformOutput"], job["TransformResources"]
        attached = cls(
            model_name=job["ModelName"],
            instance_count=resources["InstanceCount"],
            instance_type=resources["InstanceType"],
            strategy=job.get("BatchStrategy"),
            assemble_with=output.get("AssembleWith"),
            output_path=output["S3OutputPath"],
            output_kms_key=output.get("KmsKeyId"),
            accept=output.get("Accept"),
            max_concurrent_transforms=job.get("MaxConcurrentTransforms"),
            max_payload=job.get("MaxPayloadInMB"),
            env=job.get("Environment"),
            base_transform_job_name=transform_job_name,
            sagemaker_session=session,
            volume_kms_key=resources.get("VolumeKmsKeyId"),
        )
        attached.latest_transform_job = transform_job_name
        return attached
