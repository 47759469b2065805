"""An AutoML job that was started, of either generation."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from gyropilot.sdk.automl.channels import format_channels
from gyropilot.sdk.automl.inputs import format_inputs
from gyropilot.sdk.automl.request import make_request, make_request_v2
from gyropilot.sdk.waiting import check_end
from gyropilot.sdk.watch import watch_job

if TYPE_CHECKING:
    from gyropilot.sdk.automl.automl import AutoML
    from gyropilot.sdk.automl.automl_v2 import AutoMLV2
    from gyropilot.sdk.session import Session

logger = logging.getLogger(__name__)


class StartedJob(ABC):
    """A job by its name, and how to wait for it and to stop it.

    Args:
        sagemaker_session: where it is.
        job_name: its name.
        inputs: what it learns from, as it was given.
    """

    def __init__(self, sagemaker_session: Session, job_name: str, inputs: Any) -> None:
        self.sagemaker_session = sagemaker_session
        self.job_name = job_name
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.job_name!r})"

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job_name

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the job's description."""

    def stop(self) -> None:
        """Ask the job to stop; it ends with the best candidate so far."""
        self.sagemaker_session.sagemaker_client.stop_auto_ml_job(AutoMLJobName=self.job_name)

    def wait(self, logs: bool = True) -> None:
        """Show the job's progress until it is over: what it does, its candidates, the best score, the time left.

        Ctrl-C ends the waiting, not the job.

        Args:
            logs: whether the lines of its log are shown as well.

        Raises:
            UnexpectedStatusException: when it failed.
        """
        try:
            progress = watch_job(self.sagemaker_session, self.job_name, shows_log=logs)
        except KeyboardInterrupt:
            logger.warning("The job %s goes on; take it up again with attach(%r).", self.job_name, self.job_name)
            raise
        check_end("AutoML job", self.job_name, progress.status, progress.failure_reason)


class AutoMLJob(StartedJob):
    """A job that was created with `CreateAutoMLJob`."""

    @classmethod
    def start_new(cls, auto_ml: AutoML, inputs: Any) -> Self:
        """Create a job as an `AutoML` describes it.

        Args:
            auto_ml: what is to be done.
            inputs: addresses in S3 or `AutoMLInput`s; paths and frames are what `AutoML.fit` takes.

        Raises:
            ValueError: when the inputs are of no such form.
            botocore.exceptions.ClientError: when the server refuses the job.
        """
        channels = format_inputs(auto_ml, inputs)
        auto_ml.prepare(auto_ml.current_job_name)
        request = make_request(auto_ml, channels)
        logger.info("Creating auto-ml-job with name: %s", auto_ml.current_job_name)
        auto_ml.sagemaker_session.sagemaker_client.create_auto_ml_job(**request)
        return cls(auto_ml.sagemaker_session, request["AutoMLJobName"], inputs)

    def describe(self) -> dict[str, Any]:
        """Return the answer of `DescribeAutoMLJob`."""
        return self.sagemaker_session.describe_auto_ml_job(self.job_name)


class AutoMLJobV2(StartedJob):
    """A job that was created with `CreateAutoMLJobV2`."""

    @classmethod
    def start_new(cls, auto_ml: AutoMLV2, inputs: Any) -> Self:
        """Create a job as an `AutoMLV2` describes it.

        Args:
            auto_ml: what is to be done.
            inputs: an `AutoMLDataChannel` or a list of them.

        Raises:
            ValueError: when the inputs are of no such form.
            botocore.exceptions.ClientError: when the server refuses the job.
        """
        channels = format_channels(inputs)
        auto_ml.prepare(auto_ml.current_job_name)
        request = make_request_v2(auto_ml, channels)
        logger.info("Creating auto-ml-v2-job with name: %s", auto_ml.current_job_name)
        auto_ml.sagemaker_session.sagemaker_client.create_auto_ml_job_v2(**request)
        return cls(auto_ml.sagemaker_session, request["AutoMLJobName"], inputs)

    def describe(self) -> dict[str, Any]:
        """Return the answer of `DescribeAutoMLJobV2`."""
        return self.sagemaker_session.describe_auto_ml_job_v2(self.job_name)
