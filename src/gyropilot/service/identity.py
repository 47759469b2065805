"""Who this installation is: account, region, and the names of its resources."""

from __future__ import annotations

from dataclasses import dataclass

TRAINING_REPOSITORY = "autogluon-training"
"""Repository name of the images that candidates are trained by."""
ENSEMBLING_REPOSITORY = "autogluon-inference"
"""Repository name of the image of ENSEMBLING candidates: the one that existing scripts recognise."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Account and region, from which every ARN follows."""

    account_id: str
    """12 digits."""
    region: str
    """Such as `us-east-1`."""

    def arn(self, resource: str, name: str) -> str:
        """Return the ARN of a SageMaker resource, for instance of an `automl-job` called `churn`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{resource}/{name}"

    def job_arn(self, name: str) -> str:
        """Return the ARN of an AutoML job."""
        return self.arn("automl-job", name)

    def training_job_arn(self, name: str) -> str:
        """Return the ARN of the training job that a candidate stands for."""
        return self.arn("training-job", name)

    def transform_job_arn(self, name: str) -> str:
        """Return the ARN of a transform job."""
        return self.arn("transform-job", name)

    def model_arn(self, name: str) -> str:
        """Return the ARN of a model; AWS writes its name in lower case."""
        return self.arn("model", name.lower())

    def endpoint_config_arn(self, name: str) -> str:
        """Return the ARN of an endpoint configuration; AWS writes its name in lower case."""
        return self.arn("endpoint-config", name.lower())

    def endpoint_arn(self, name: str) -> str:
        """Return the ARN of an endpoint; AWS writes its name in lower case."""
        return self.arn("endpoint", name.lower())

    def role_arn(self, name: str) -> str:
        """Return the ARN of a role."""
        return f"arn:aws:iam::{self.account_id}:role/{name}"

    def user_arn(self, name: str) -> str:
        """Return the ARN of a user."""
        return f"arn:aws:iam::{self.account_id}:user/{name}"

    @property
    def ensembling_image(self) -> str:
        """The image of ENSEMBLING candidates."""
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com/{ENSEMBLING_REPOSITORY}:gyropilot-1"

    def training_image(self, candidate: str) -> str:
        """Return the image that trains a candidate: its tag names the candidate, whose settings it stands for."""
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com/{TRAINING_REPOSITORY}:{candidate}"

    def find_trained_by(self, image: str) -> str:
        """Return the candidate that an image trains; empty: none."""
        repository, _, candidate = image.rpartition("/")[2].partition(":")
        return candidate if repository == TRAINING_REPOSITORY else ""

    def serves_image(self, image: str) -> bool:
        """Tell whether a container of this image can be run here."""
        repository = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
        return repository == ENSEMBLING_REPOSITORY
