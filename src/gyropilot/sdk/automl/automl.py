"""`AutoML`: from a table and a column's name to candidates, models and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from gyropilot.sdk.automl.handle import JobHandle
from gyropilot.sdk.automl.inputs import upload_inputs
from gyropilot.sdk.automl.job import AutoMLJob
from gyropilot.sdk.automl.options import (
    check_goal,
    choose_session,
    default_output_path,
    name_job,
    warn_of_logs,
)

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

BASE_NAME = "automl"


class AutoML(JobHandle):
    """Creates AutoML jobs on tables, and works with what they find.

    What only matters on AWS, such as encryption keys and networks, is checked, sent and recorded, and has no effect on
    a Gyropilot server. Options that are left out are those of the SageMaker SDK's defaults file, where it has them.

    Args:
        role: the role that reads the data, an ARN or a name; Gyropilot's own unless given. AWS needs one.
        target_attribute_name: the column to predict; not needed when every input is an `AutoMLInput`.
        output_kms_key: key that encrypts what the job writes.
        output_path: `s3://` address below which the job writes; the default bucket unless given.
        base_job_name: what the job's name begins with.
        compression_type: `Gzip` or `None`, of data that is given by its address.
        sagemaker_session: where the job runs; a Gyropilot server on this machine unless given.
        volume_kms_key: key that encrypts the machines' disks.
        encrypt_inter_container_traffic: whether traffic between machines is encrypted; no unless given.
        vpc_config: network of the job: `Subnets` and `SecurityGroupIds`.
        problem_type: `BinaryClassification`, `MulticlassClassification` or `Regression`; told by the data unless
            given, and given only together with `job_objective`.
        max_candidates: how many candidates at most.
        max_runtime_per_training_job_in_seconds: how long one candidate may take.
        total_job_runtime_in_seconds: how long the job may take.
        job_objective: the metric that ranks candidates, as in `{"MetricName": "AUC"}`.
        generate_candidate_definitions_only: whether candidates are only planned, not trained.
        tags: tags of the job, as a dictionary or as a list of `Key` and `Value`.
        content_type: `text/csv;header=present` or `x-application/vnd.amazon+parquet`.
        s3_data_type: `S3Prefix` or `ManifestFile`.
        feature_specification_s3_uri: address of a file that names the columns to learn from, and their types.
        validation_fraction: share of the rows that candidates are only scored on.
        mode: `ENSEMBLING`, `HYPERPARAMETER_TUNING` or `AUTO`.
        auto_generate_endpoint_name: whether the best candidate is deployed under a name that is made up.
        endpoint_name: the name under which the best candidate is deployed.
        sample_weight_attribute_name: a column that says how much each row counts.

    Raises:
        ValueError: when only one of problem type and objective is given, AWS is asked without a role, or a network
            lacks its members.
        SessionError: when no session is given and no server can be started.
    """

    def __init__(
        self,
        role: str | None = None,
        target_attribute_name: str | None = None,
        output_kms_key: str | None = None,
        output_path: str | None = None,
        base_job_name: str | None = None,
        compression_type: str | None = None,
        sagemaker_session: Session | None = None,
        volume_kms_key: str | None = None,
        encrypt_inter_container_traffic: bool | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        problem_type: str | None = None,
        max_candidates: int | None = None,
        max_runtime_per_training_job_in_seconds: int | None = None,
        total_job_runtime_in_seconds: int | None = None,
        job_objective: Mapping[str, str] | None = None,
        generate_candidate_definitions_only: bool = False,
        tags: Any = None,
        content_type: str | None = None,
        s3_data_type: str | None = None,
        feature_specification_s3_uri: str | None = None,
        validation_fraction: float | None = None,
        mode: str | None = None,
        auto_generate_endpoint_name: bool | None = None,
        endpoint_name: str | None = None,
        sample_weight_attribute_name: str | None = None,
    ) -> None:
        check_goal(problem_type, job_objective)
        super().__init__(
            sagemaker_session,
            role,
            output_kms_key=output_kms_key,
            volume_kms_key=volume_kms_key,
            encrypt_inter_container_traffic=encrypt_inter_container_traffic,
            vpc_config=vpc_config,
            tags=tags,
        )
        self.target_attribute_name = target_attribute_name
        self.output_path = output_path
        self.base_job_name = base_job_name
        self.compression_type = compression_type
        self.problem_type = problem_type
        self.max_candidate = max_candidates
        self.max_runtime_per_training_job_in_seconds = max_runtime_per_training_job_in_seconds
        self.total_job_runtime_in_seconds = total_job_runtime_in_seconds
        self.job_objective = job_objective
        self.generate_candidate_definitions_only = generate_candidate_definitions_only
        self.content_type = content_type
        self.s3_data_type = s3_data_type
        self.feature_specification_s3_uri = feature_specification_s3_uri
        self.validation_fraction = validation_fraction
        self.mode = mode
        self.auto_generate_endpoint_name = auto_generate_endpoint_name
        self.endpoint_name = endpoint_name
        self.sample_weight_attribute_name = sample_weight_attribute_name
        self.current_job_name: str | None = None
        self.latest_auto_ml_job: AutoMLJob | None = None
        self.inputs: Any = None

    def fit(self, inputs: Any = None, wait: bool = True, logs: bool = True, job_name: str | None = None) -> None:
        """Create a job that learns from these data, and wait for it unless told otherwise.

        Args:
            inputs: a path on this machine (a file or a folder), a frame of pandas, Polars or Arrow, an `s3://` address
                or a list of them, an `AutoMLInput` or a list of two: one to train, one to validate. Paths and frames
                are uploaded.
            wait: whether to show its progress until it is over.
            logs: whether to show the lines of its log as well.
            job_name: the job's name, at most 32 characters; made of `base_job_name` and the time unless given.

        Raises:
            ValueError: when the inputs are of no such form, or no target is named.
            UnexpectedStatusException: when the job failed.
            botocore.exceptions.ClientError: when the server refuses the job.
        """
        warn_of_logs(wait=wait, logs=logs)
        self.prepare(job_name)
        self.inputs = upload_inputs(self, inputs)
        self.latest_auto_ml_job = AutoMLJob.start_new(self, self.inputs)
        if wait:
            self.latest_auto_ml_job.wait(logs=logs)

    def prepare(self, job_name: str | None = None) -> None:
        """Fill in what a job needs: a name, and a place to write to."""
        self.current_job_name = job_name or name_job(self.base_job_name or BASE_NAME)
        if self.output_path is None:
            self.output_path = default_output_path(self.sagemaker_session)

    @classmethod
    def attach(cls, auto_ml_job_name: str, sagemaker_session: Session | None = None) -> Self:
        """Return an object for a job that exists, as if it had been created here.

        Raises:
            botocore.exceptions.ClientError: when there is no such job.
        """
        session = choose_session(sagemaker_session)
        job = session.describe_auto_ml_job(auto_ml_job_name)
        tags = session.list_tags(job["AutoMLJobArn"])
        auto_ml = cls(sagemaker_session=session, **read_arguments(job), tags=tags)
        auto_ml.current_job_name = job["AutoMLJobName"]
        auto_ml.inputs = job["InputDataConfig"]
        auto_ml.latest_auto_ml_job = AutoMLJob(session, job["AutoMLJobName"], auto_ml.inputs)
        return auto_ml

    def describe_auto_ml_job(self, job_name: str | None = None) -> dict[str, Any]:
        """Return the answer of `DescribeAutoMLJob`, for this object's job unless another one is named."""
        return self.sagemaker_session.describe_auto_ml_job(self._name(job_name))


def read_arguments(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `AutoML` that a job's description tells."""
    channel = job["InputDataConfig"][0]
    output, config = job["OutputDataConfig"], job.get("AutoMLJobConfig", {})
    security, criteria = config.get("SecurityConfig", {}), config.get("CompletionCriteria", {})
    deployment = job.get("ModelDeployConfig", {})
    return {
        "role": job["RoleArn"],
        "target_attribute_name": channel.get("TargetAttributeName"),
        "output_kms_key": output.get("KmsKeyId"),
        "output_path": output["S3OutputPath"],
        "base_job_name": job["AutoMLJobName"],
        "compression_type": channel.get("CompressionType"),
        "content_type": channel.get("ContentType"),
        "s3_data_type": channel.get("DataSource", {}).get("S3DataSource", {}).get("S3DataType"),
        "sample_weight_attribute_name": channel.get("SampleWeightAttributeName"),
        "volume_kms_key": security.get("VolumeKmsKeyId"),
        "encrypt_inter_container_traffic": security.get("EnableInterContainerTrafficEncryption", False),
        "vpc_config": security.get("VpcConfig"),
        "problem_type": job.get("ProblemType"),
        "job_objective": job.get("AutoMLJobObjective"),
        "max_candidates": criteria.get("MaxCandidates"),
        "max_runtime_per_training_job_in_seconds": criteria.get("MaxRuntimePerTrainingJobInSeconds"),
        "total_job_runtime_in_seconds": criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        "generate_candidate_definitions_only": job.get("GenerateCandidateDefinitionsOnly", False),
        "feature_specification_s3_uri": config.get("CandidateGenerationConfig", {}).get("FeatureSpecificationS3Uri"),
        "validation_fraction": config.get("DataSplitConfig", {}).get("ValidationFraction"),
        "mode": config.get("Mode"),
        "auto_generate_endpoint_name": deployment.get("AutoGenerateEndpointName"),
        "endpoint_name": deployment.get("EndpointName"),
    }
