"""Who this installation is: account, region, and the names of its resources."""

from __future__ import annotations

from dataclasses import dataclass

TRAINING_REPOSITORY = "autogluon-training"
"""Repository name of the images that candidates are trained by."""
FIT_REPOSITORY = "sagemaker-sklearn-automl-training"
"""Repository name of the images that recipes of pipelines are fitted by."""
ENSEMBLING_REPOSITORY = "autogluon-inference"
"""Repository name of the image of ENSEMBLING candidates: the one that existing scripts recognise."""
PROCESSOR_REPOSITORY = "sagemaker-sklearn-automl"
"""The same of what turns cells into numbers, and numbers of classes into labels, around an algorithm."""
ALGORITHM_REPOSITORIES = {"xgboost": "sagemaker-xgboost", "linear-learner": "linear-learner", "mlp": "mlp"}
"""The same of the algorithms between them."""
TAG = "gyropilot-1"
"""The tag of every image for inference."""


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

    def processing_job_arn(self, name: str) -> str:
        """Return the ARN of a processing job."""
        return self.arn("processing-job", name)

    def tuning_job_arn(self, name: str) -> str:
        """Return the ARN of a hyperparameter tuning job."""
        return self.arn("hyper-parameter-tuning-job", name)

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
        return self._image(ENSEMBLING_REPOSITORY, TAG)

    @property
    def processor_image(self) -> str:
        """The image of the first and the third container of candidates of tuning."""
        return self._image(PROCESSOR_REPOSITORY, TAG)

    def algorithm_image(self, algorithm: str) -> str:
        """Return the image of the second container of candidates of tuning."""
        return self._image(ALGORITHM_REPOSITORIES[algorithm], TAG)

    def training_image(self, candidate: str) -> str:
        """Return the image that trains a candidate: its tag names the candidate, whose settings it stands for."""
        return self._image(TRAINING_REPOSITORY, candidate)

    def fit_image(self, fit: str) -> str:
        """Return the image that fits the recipe of a pipeline: its tag names the first such fit."""
        return self._image(FIT_REPOSITORY, fit)

    def find_trained_by(self, image: str) -> str:
        """Return the candidate that an image trains; empty: none."""
        repository, tag = _split(image)
        return tag if repository == TRAINING_REPOSITORY else ""

    def find_fitted_by(self, image: str) -> str:
        """Return the fit of a pipeline that an image repeats; empty: none."""
        repository, tag = _split(image)
        return tag if repository == FIT_REPOSITORY else ""

    def _image(self, repository: str, tag: str) -> str:
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com/{repository}:{tag}"


def is_ensembling_image(image: str) -> bool:
    """Tell whether a container of this image answers by itself."""
    return _split(image)[0] == ENSEMBLING_REPOSITORY


def is_processor_image(image: str) -> bool:
    """Tell whether a container of this image is one of those around an algorithm."""
    return _split(image)[0] == PROCESSOR_REPOSITORY


def is_algorithm_image(image: str) -> bool:
    """Tell whether a container of this image is an algorithm between others."""
    return _split(image)[0] in ALGORITHM_REPOSITORIES.values()


def _split(image: str) -> tuple[str, str]:
    """Return the repository's name and the tag of an image."""
    repository, _, tag = image.rpartition("/")[2].partition("@")[0].partition(":")
    return repository, tag
