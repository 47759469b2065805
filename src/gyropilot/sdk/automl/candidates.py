"""A candidate of a job: the steps it was made by, and the same steps on new data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.sdk import defaults
from gyropilot.sdk.automl.inputs import PREFIX
from gyropilot.sdk.automl.options import choose_session
from gyropilot.sdk.automl.rerun import make_training_request, make_transform_request
from gyropilot.sdk.automl.upload import Uploaded, is_local, upload
from gyropilot.sdk.frames import CSV, is_frame
from gyropilot.sdk.names import name_from_base

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

TRAINING, TRANSFORM = "TrainingJob", "TransformJob"
TRAINING_BASE = "sagemaker-automl-training-rerun"
TRANSFORM_BASE = "sagemaker-automl-transform-rerun"

Document = dict[str, Any]

logger = logging.getLogger(__name__)


class CandidateStep:
    """A job that a candidate was made by.

    Args:
        name: the job's name.
        inputs: what it read.
        step_type: `TrainingJob` or `TransformJob`.
        description: all that the service tells of it.
    """

    def __init__(self, name: str, inputs: Any, step_type: str, description: Document) -> None:
        self._name = name
        self._inputs = inputs
        self._type = step_type
        self._description = description

    def __repr__(self) -> str:
        return f"CandidateStep({self._name!r}, {self._type!r})"

    @property
    def name(self) -> str:
        """The job's name."""
        return self._name

    @property
    def inputs(self) -> Any:
        """What it read: `InputDataConfig` of a training job, `TransformInput` of a transform job."""
        return self._inputs

    @property
    def type(self) -> str:
        """`TrainingJob` or `TransformJob`."""
        return self._type

    @property
    def description(self) -> Document:
        """All that the service tells of it."""
        return self._description


@dataclass(frozen=True)
class _Started:
    """A step that was begun again."""

    step: CandidateStep
    name: str


class CandidateEstimator:
    """A candidate: which steps made it, and how to make it again from other data.

    Args:
        candidate: as `best_candidate` and `list_candidates` return it.
        sagemaker_session: where its job is; a Gyropilot server on this machine unless given.
    """

    def __init__(self, candidate: Mapping[str, Any], sagemaker_session: Session | None = None) -> None:
        self.name: str = candidate["CandidateName"]
        self.containers: list[Document] = candidate.get("InferenceContainers", [])
        self.steps = [_describe_step(step) for step in candidate.get("CandidateSteps", [])]
        self.sagemaker_session = choose_session(sagemaker_session)

    def __repr__(self) -> str:
        return f"CandidateEstimator({self.name!r})"

    def get_steps(self) -> list[CandidateStep]:
        """Return the training and transform jobs that made the candidate, in their order, as they are described now."""
        session, found = self.sagemaker_session, []
        for step in self.steps:
            if step["type"] == TRAINING:
                job = session.describe_training_job(step["name"])
                found.append(CandidateStep(step["name"], job["InputDataConfig"], TRAINING, job))
            elif step["type"] == TRANSFORM:
                job = session.describe_transform_job(step["name"])
                found.append(CandidateStep(step["name"], job["TransformInput"], TRANSFORM, job))
        return found

    def fit(
        self,
        inputs: Any,
        candidate_name: str | None = None,
        volume_kms_key: str | None = None,
        encrypt_inter_container_traffic: bool | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        wait: bool = True,
        logs: bool = True,
    ) -> None:
        """Run the candidate's steps again on other data, with the hyperparameters that were found.

        The steps are then the new jobs. Once they are through, the containers hold the new models:
        `deploy(candidate=this)` serves them.

        Args:
            inputs: an `s3://` address, a path on this machine or a frame; the last two are uploaded.
            candidate_name: a new name for the candidate.
            volume_kms_key: key that encrypts the machines' disks.
            encrypt_inter_container_traffic: whether traffic between machines is encrypted; as the defaults file or the
                first run has it unless given.
            vpc_config: network of the jobs: `Subnets` and `SecurityGroupIds`.
            wait: whether to wait until all jobs are over.
            logs: whether to show the lines of their logs.

        Raises:
            ValueError: when logs are to be shown without waiting, or the inputs are of no such form.
            UnexpectedStatusException: when one of the jobs failed.
        """
        if logs and not wait:
            raise ValueError(
                "Logs can only be shown if wait is set to True.\n"
                "                Please either set wait to True or set logs to False."
            )
        data = self._upload(inputs)
        self.name = candidate_name or self.name
        configured = defaults.find_default(self.sagemaker_session.sagemaker_config, defaults.TRAINING_ENCRYPTION)
        is_encrypted = configured if encrypt_inter_container_traffic is None else encrypt_inter_container_traffic
        options = {
            "volume_kms_key": volume_kms_key,
            "encrypt_inter_container_traffic": is_encrypted,
            "vpc_config": vpc_config,
        }
        started = [self._start(step, data, options) for step in self.get_steps()]
        new_names = {job.step.name: job.name for job in started}
        self.steps = [{**step, "name": new_names.get(step["name"], step["name"])} for step in self.steps]
        if wait:
            for job in started:
                self._wait(job, logs=logs)

    def _upload(self, inputs: Any) -> Uploaded:
        if isinstance(inputs, list | tuple) and len(inputs) == 1:
            inputs = inputs[0]
        if not is_frame(inputs) and not isinstance(inputs, str | Path):
            raise ValueError(f"Cannot format input {inputs}. Expecting a string.")  # what scripts catch
        data = upload(self.sagemaker_session, inputs, PREFIX, folder=name_from_base(self.name))
        if not is_local(inputs):
            return data
        return replace(data, content_type=data.content_type or CSV, compression=data.compression or "None")

    def _start(self, step: CandidateStep, data: Uploaded, options: Mapping[str, Any]) -> _Started:
        sagemaker: Any = self.sagemaker_session.sagemaker_client
        if step.type == TRAINING:
            name = name_from_base(TRAINING_BASE)
            logger.info("Creating training-job with name: %s", name)
            sagemaker.create_training_job(**make_training_request(name, step.description, data, **options))
        else:
            name = name_from_base(TRANSFORM_BASE)
            logger.info("Creating transform job with name: %s", name)
            sagemaker.create_transform_job(
                **make_transform_request(name, step.description, data.address, volume_kms_key=options["volume_kms_key"])
            )
        return _Started(step, name)

    def _wait(self, job: _Started, *, logs: bool) -> None:
        session = self.sagemaker_session
        if job.step.type == TRANSFORM:
            (session.logs_for_transform_job(job.name, wait=True) if logs else session.wait_for_transform_job(job.name))
            return
        if logs:
            session.logs_for_job(job.name, wait=True)
        made = session.wait_for_job(job.name)
        old = job.step.description["ModelArtifacts"]["S3ModelArtifacts"]
        new = made["ModelArtifacts"]["S3ModelArtifacts"]
        self.containers = [  # new ones: the candidate that was given stays as it is
            {**container, "ModelDataUrl": new} if container["ModelDataUrl"] == old else container
            for container in self.containers
        ]


def _describe_step(step: Mapping[str, str]) -> dict[str, str]:
    """Return a step's name and the last part of its type, as in `AWS::SageMaker::TrainingJob`."""
    return {"name": step["CandidateStepName"], "type": step["CandidateStepType"].rpartition("::")[2]}
