"""`AutoMLV2`: jobs of the second generation, for every kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from gyropilot.sdk.automl.automl import BASE_NAME, AutoML
from gyropilot.sdk.automl.channels import AutoMLDataChannel, upload_channels
from gyropilot.sdk.automl.handle import JobHandle
from gyropilot.sdk.automl.job import AutoMLJobV2
from gyropilot.sdk.automl.options import (
    check_goal,
    choose_session,
    default_output_path,
    name_job,
    warn_of_logs,
)
from gyropilot.sdk.automl.problem_configs import AutoMLTabularConfig, ProblemConfig, read_problem_config

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session


class AutoMLV2(JobHandle):
    """Creates AutoML jobs of the second generation, and works with what they find.

    What only matters on AWS, such as encryption keys and networks, is checked, sent and recorded, and has no effect on
    a Gyropilot server. Options that are left out are those of the SageMaker SDK's defaults file, where it has them.

    Args:
        problem_config: what is to be learned, as `AutoMLTabularConfig("price")`.
        base_job_name: what the job's name begins with.
        output_path: `s3://` address below which the job writes; the default bucket unless given.
        job_objective: the metric that ranks candidates, as in `{"MetricName": "AUC"}`.
        validation_fraction: share of the rows that candidates are only scored on.
        auto_generate_endpoint_name: whether the best candidate is deployed under a name that is made up.
        endpoint_name: the name under which the best candidate is deployed.
        output_kms_key: key that encrypts what the job writes.
        role: the role that reads the data, an ARN or a name; Gyropilot's own unless given. AWS needs one.
        volume_kms_key: key that encrypts the machines' disks.
        encrypt_inter_container_traffic: whether traffic between machines is encrypted; no unless given.
        vpc_config: network of the job: `Subnets` and `SecurityGroupIds`.
        tags: tags of the job, as a dictionary or as a list of `Key` and `Value`.
        sagemaker_session: where the job runs; a Gyropilot server on this machine unless given.

    Raises:
        ValueError: when, for a table, only one of problem type and objective is given, AWS is asked without a role, or
            a network lacks its members.
        SessionError: when no session is given and no server can be started.
    """

    def __init__(
        self,
        problem_config: ProblemConfig,
        base_job_name: str | None = None,
        output_path: str | None = None,
        job_objective: Mapping[str, str] | None = None,
        validation_fraction: float | None = None,
        auto_generate_endpoint_name: bool | None = None,
        endpoint_name: str | None = None,
        output_kms_key: str | None = None,
        role: str | None = None,
        volume_kms_key: str | None = None,
        encrypt_inter_container_traffic: bool | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        tags: Any = None,
        sagemaker_session: Session | None = None,
    ) -> None:
        if isinstance(problem_config, AutoMLTabularConfig):
            check_goal(problem_config.problem_type, job_objective)
        super().__init__(
            sagemaker_session,
            role,
            output_kms_key=output_kms_key,
            volume_kms_key=volume_kms_key,
            encrypt_inter_container_traffic=encrypt_inter_container_traffic,
            vpc_config=vpc_config,
            tags=tags,
        )
        self.problem_config = problem_config
        self.base_job_name = base_job_name
        self.output_path = output_path or default_output_path(self.sagemaker_session)
        self.job_objective = job_objective
        self.validation_fraction = validation_fraction
        self.auto_generate_endpoint_name = auto_generate_endpoint_name
        self.endpoint_name = endpoint_name
        self.current_job_name: str | None = None
        self.latest_auto_ml_job: AutoMLJobV2 | None = None
        self.inputs: Any = None

    @classmethod
    def from_auto_ml(cls, auto_ml: AutoML) -> Self:
        """Return an object of the second generation that asks for the same, and stands for the same job if any."""
        config = AutoMLTabularConfig(
            target_attribute_name=auto_ml.target_attribute_name,  # type: ignore[arg-type]  # checked with the request
            feature_specification_s3_uri=auto_ml.feature_specification_s3_uri,
            generate_candidate_definitions_only=auto_ml.generate_candidate_definitions_only,
            mode=auto_ml.mode,
            problem_type=auto_ml.problem_type,
            sample_weight_attribute_name=auto_ml.sample_weight_attribute_name,
            max_candidates=auto_ml.max_candidate,
            max_runtime_per_training_job_in_seconds=auto_ml.max_runtime_per_training_job_in_seconds,
            max_total_job_runtime_in_seconds=auto_ml.total_job_runtime_in_seconds,
        )
        made = cls(
            problem_config=config,
            base_job_name=auto_ml.base_job_name,
            output_path=auto_ml.output_path,
            job_objective=auto_ml.job_objective,
            validation_fraction=auto_ml.validation_fraction,
            auto_generate_endpoint_name=auto_ml.auto_generate_endpoint_name,
            endpoint_name=auto_ml.endpoint_name,
            output_kms_key=auto_ml.output_kms_key,
            role=auto_ml.role,
            volume_kms_key=auto_ml.volume_kms_key,
            encrypt_inter_container_traffic=auto_ml.encrypt_inter_container_traffic,
            vpc_config=auto_ml.vpc_config,
            tags=auto_ml.tags,
            sagemaker_session=auto_ml.sagemaker_session,
        )
        made.inputs = auto_ml.inputs
        if auto_ml.current_job_name:
            made.current_job_name = auto_ml.current_job_name
            made.latest_auto_ml_job = AutoMLJobV2(made.sagemaker_session, auto_ml.current_job_name, auto_ml.inputs)
        return made

    def fit(self, inputs: Any, wait: bool = True, logs: bool = True, job_name: str | None = None) -> None:
        """Create a job that learns from these data, and wait for it unless told otherwise.

        Args:
            inputs: an `AutoMLDataChannel`, a `LocalAutoMLDataChannel`, a list of one of these kinds, or a frame of
                pandas, Polars or Arrow. Local data and frames are uploaded.
            wait: whether to show its progress until it is over.
            logs: whether to show the lines of its log as well.
            job_name: the job's name, at most 32 characters; made of `base_job_name` and the time unless given.

        Raises:
            ValueError: when the inputs are of no such form.
            UnexpectedStatusException: when the job failed.
            botocore.exceptions.ClientError: when the server refuses the job.
        """
        warn_of_logs(wait=wait, logs=logs)
        self.prepare(job_name)
        self.inputs = upload_channels(self.sagemaker_session, inputs, self.current_job_name)
        self.latest_auto_ml_job = AutoMLJobV2.start_new(self, self.inputs)
        if wait:
            self.latest_auto_ml_job.wait(logs=logs)

    def prepare(self, job_name: str | None = None) -> None:
        """Give the next job its name."""
        self.current_job_name = job_name or name_job(self.base_job_name or BASE_NAME)

    @classmethod
    def attach(cls, auto_ml_job_name: str, sagemaker_session: Session | None = None) -> Self:
        """Return an object for a job that exists, as if it had been created here.

        Raises:
            botocore.exceptions.ClientError: when there is no such job.
        """
        session = choose_session(sagemaker_session)
        job = session.describe_auto_ml_job_v2(auto_ml_job_name)
        output, security = job["OutputDataConfig"], job.get("SecurityConfig", {})
        deployment = job.get("ModelDeployConfig", {})
        attached = cls(
            problem_config=read_problem_config(job["AutoMLProblemTypeConfig"]),
            base_job_name=job["AutoMLJobName"],
            output_path=output["S3OutputPath"],
            job_objective=job.get("AutoMLJobObjective"),
            validation_fraction=job.get("DataSplitConfig", {}).get("ValidationFraction"),
            auto_generate_endpoint_name=deployment.get("AutoGenerateEndpointName"),
            endpoint_name=deployment.get("EndpointName"),
            output_kms_key=output.get("KmsKeyId"),
            role=job["RoleArn"],
            volume_kms_key=security.get("VolumeKmsKeyId"),
            encrypt_inter_container_traffic=security.get("EnableInterContainerTrafficEncryption", False),
            vpc_config=security.get("VpcConfig"),
            tags=session.list_tags(job["AutoMLJobArn"]),
            sagemaker_session=session,
        )
        attached.current_job_name = job["AutoMLJobName"]
        attached.inputs = [AutoMLDataChannel.from_response_dict(entry) for entry in job["AutoMLJobInputDataConfig"]]
        attached.latest_auto_ml_job = AutoMLJobV2(session, job["AutoMLJobName"], attached.inputs)
        return attached

    def describe_auto_ml_job(self, job_name: str | None = None) -> dict[str, Any]:
        """Return the answer of `DescribeAutoMLJobV2`, for this object's job unless another one is named."""
        return self.sagemaker_session.describe_auto_ml_job_v2(self._name(job_name))
