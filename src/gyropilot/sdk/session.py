"""A session: one server, or AWS itself, and what scripts ask of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.buckets import Buckets
from gyropilot.sdk.endpoint_calls import EndpointCalls
from gyropilot.sdk.errors import SessionError
from gyropilot.sdk.find_server import find_server
from gyropilot.sdk.home import Home
from gyropilot.sdk.job_calls import JobCalls
from gyropilot.sdk.sagemaker_config import VARIABLE, write_sagemaker_config
from gyropilot.sdk.start_server import start_server

if TYPE_CHECKING:
    import boto3

DEFAULT_REGION = "us-east-1"


class Session(Buckets, JobCalls, EndpointCalls):
    """Finds a Gyropilot server, or starts one, and hands out clients for it; or speaks to AWS itself.

    The server is looked for under the URL given, under `GYROPILOT_ENDPOINT_URL`, and in the state folder; when none
    answers there, one is started on loopback that goes on after this program ends. Keys are the state folder's, or
    else what boto3 finds by itself.

    A boto3 session, or a client for SageMaker, that is given decides where requests go instead: to AWS, or wherever its
    settings and `AWS_ENDPOINT_URL` point. No server is looked for then.

    Args:
        boto_session: requests go where it points, signed with its keys.
        sagemaker_client: used for SageMaker as it is.
        sagemaker_runtime_client: used for invocations as it is.
        sagemaker_featurestore_runtime_client: taken and kept; there is no feature store here.
        default_bucket: bucket for data and models; `sagemaker-<region>-<account>` unless given.
        settings: taken and kept.
        sagemaker_metrics_client: taken and kept; there are no metrics of AWS's here.
        sagemaker_config: defaults in the form of the SageMaker SDK's file; read from that file unless given.
        default_bucket_prefix: what keys in the default bucket begin with.
        endpoint_url: the server's URL.
        home: the state folder; `GYROPILOT_HOME` or `~/.gyropilot` unless given.
        region: region of requests and signatures; `GYROPILOT_REGION` or `us-east-1` unless given.

    Raises:
        SessionError: when there is no server and none can be started, or the boto3 session names no region.
        TypeError: when `boto_session` is none.
    """

    def __init__(
        self,
        boto_session: boto3.Session | None = None,
        sagemaker_client: Any = None,
        sagemaker_runtime_client: Any = None,
        sagemaker_featurestore_runtime_client: Any = None,
        default_bucket: str | None = None,
        settings: Any = None,
        sagemaker_metrics_client: Any = None,
        sagemaker_config: dict[str, Any] | None = None,
        default_bucket_prefix: str | None = None,
        *,
        endpoint_url: str | None = None,
        home: str | Path | None = None,
        region: str | None = None,
    ) -> None:
        if isinstance(boto_session, str):
            raise TypeError(f"boto_session must be a boto3.Session, not {boto_session!r}; a URL goes to endpoint_url.")
        found_home = Home.find(home)
        is_elsewhere = endpoint_url is None and (boto_session is not None or sagemaker_client is not None)
        url = "" if is_elsewhere else endpoint_url or find_server(found_home, os.environ)
        if not is_elsewhere and not url:
            url = start_server(found_home, os.environ)
        given = {"sagemaker": sagemaker_client, "sagemaker-runtime": sagemaker_runtime_client}
        place = {
            "home": found_home,
            "region": region or _find_region(boto_session, sagemaker_client, is_elsewhere=is_elsewhere),
            "server_url": url,
            "boto_session": boto_session,
            "given": {service: client for service, client in given.items() if client is not None},
        }
        super().__init__(bucket=default_bucket, prefix=default_bucket_prefix, defaults=sagemaker_config, place=place)
        self.settings = settings
        self.sagemaker_featurestore_runtime_client = sagemaker_featurestore_runtime_client
        self.sagemaker_metrics_client = sagemaker_metrics_client

    def __repr__(self) -> str:
        return f"Session({self.endpoint_url!r}, region={self.region!r})"

    @property
    def config(self) -> dict[str, Any]:
        """What the defaults file says."""
        return self.sagemaker_config

    @property
    def role_arn(self) -> str:
        """The role that jobs and models name on a Gyropilot server: its own."""
        return f"arn:aws:iam::{self.account_id()}:role/GyropilotExecutionRole"

    def expand_role(self, role: str) -> str:
        """Return the ARN of a role: an ARN as it is, of a name what IAM says."""
        if "/" in role:
            return role
        return str(self.client("iam").get_role(RoleName=role)["Role"]["Arn"])

    def environment(self) -> dict[str, str]:
        """Return the variables that make boto3, the SageMaker SDK and the AWS CLI speak to the server.

        Raises:
            SessionError: when there are no keys for it.
        """
        credentials = self.boto_session.get_credentials()
        if credentials is None:
            raise SessionError(f"There are no keys for {self.endpoint_url}: set AWS_ACCESS_KEY_ID.")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def sagemaker_environment(self) -> dict[str, str]:
        """Write the SageMaker SDK's defaults, this server's bucket and role, and return the variable that names them.

        Raises:
            botocore.exceptions.ClientError: when the keys may not ask for the account or make the bucket.
        """
        path = self._home.sagemaker_config
        write_sagemaker_config(path, bucket=self.default_bucket(), role_arn=self.role_arn)
        return {VARIABLE: str(path)}


def _find_region(boto_session: boto3.Session | None, client: Any, *, is_elsewhere: bool) -> str:
    """Return the region that the given session or client has; of a server, what the environment says."""
    if not is_elsewhere:
        return os.environ.get("GYROPILOT_REGION") or DEFAULT_REGION
    region = boto_session.region_name if boto_session is not None else client.meta.region_name
    if not region:
        raise SessionError("The boto3 session names no region: give region_name, or set AWS_DEFAULT_REGION.")
    return str(region)
