"""What a job is given when a script leaves it out, and what is checked before a request is written."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gyropilot.sdk import defaults
from gyropilot.sdk.automl.request import check_vpc_config
from gyropilot.sdk.names import MAX_JOB_NAME_CHARACTERS, name_from_base

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session

logger = logging.getLogger(__name__)


def choose_session(session: Any) -> Session:
    """Return the session given, or one on this machine's server.

    Raises:
        TypeError: when it is a session of another package.
        SessionError: when none is given and no server can be started.
    """
    from gyropilot.sdk.session import Session

    if session is None:
        return Session()
    if not isinstance(session, Session):
        kind = f"{type(session).__module__}.{type(session).__name__}"
        raise TypeError(
            f"sagemaker_session must be a gyropilot.Session, not a {kind}; gyropilot.Session(boto_session) goes where "
            "a boto3 session points."
        )
    return session


def choose_role(session: Session, role: str | None) -> str:
    """Return the role given, that of the defaults file, or Gyropilot's own.

    Raises:
        ValueError: when there is none, and AWS is asked, which needs one.
    """
    found = role or defaults.find_default(session.sagemaker_config, defaults.ROLE)
    if found:
        return str(found)
    if session.is_aws:
        raise ValueError("An AWS IAM role is required to create an AutoML job.")
    return session.role_arn


def check_goal(problem_type: str | None, job_objective: Mapping[str, str] | None) -> None:
    """Check that what is predicted and what ranks candidates are given together, or neither.

    Raises:
        ValueError: when only one of them is.
    """
    if bool(problem_type) != bool(job_objective):
        raise ValueError(
            "One of problem type and objective metric provided. Either both of them should be provided or none of "
            "them should be provided."
        )


@dataclass(frozen=True, kw_only=True)
class Security:
    """Keys, network and tags of a job: as given, or as the defaults file says."""

    output_kms_key: str | None
    volume_kms_key: str | None
    encrypt_inter_container_traffic: bool
    vpc_config: dict[str, list[str]] | None
    tags: Any


def choose_security(
    session: Session,
    *,
    output_kms_key: str | None,
    volume_kms_key: str | None,
    encrypt_inter_container_traffic: bool | None,
    vpc_config: Any,
    tags: Any,
) -> Security:
    """Return what a job is to have; what is left out comes from the defaults file.

    Raises:
        ValueError: when the network lacks its members.
    """

    def fill(given: Any, path: str) -> Any:
        return defaults.find_default(session.sagemaker_config, path) if given is None else given

    return Security(
        output_kms_key=fill(output_kms_key, defaults.OUTPUT_KEY),
        volume_kms_key=fill(volume_kms_key, defaults.VOLUME_KEY),
        encrypt_inter_container_traffic=bool(fill(encrypt_inter_container_traffic, defaults.ENCRYPTION)),
        vpc_config=check_vpc_config(fill(vpc_config, defaults.VPC)),
        tags=fill(tags, defaults.TAGS),
    )


def warn_of_logs(*, wait: bool, logs: bool) -> None:
    """Say that nobody sees the logs of a job that is not waited for."""
    if logs and not wait:
        logger.warning("Setting logs to False. logs is only meaningful when wait is True.")


def name_job(base: str) -> str:
    """Return a name for a job."""
    return name_from_base(base, MAX_JOB_NAME_CHARACTERS)


def default_output_path(session: Session) -> str:
    """Return where a job writes that names no place: the default bucket, below its prefix."""
    bucket, key = session.default_location()
    return f"s3://{bucket}/{key}/" if key else f"s3://{bucket}/"
