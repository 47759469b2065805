"""A session: one server, the keys that open it, and clients that speak to it."""

from __future__ import annotations

import os
import urllib.parse
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from gyropilot.sdk.errors import SessionError
from gyropilot.sdk.find_server import find_server
from gyropilot.sdk.home import Home
from gyropilot.sdk.sagemaker_config import VARIABLE, write_sagemaker_config
from gyropilot.sdk.start_server import start_server

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sts import STSClient

DEFAULT_REGION = "us-east-1"
READ_SECONDS = 70
"""A little more than a model may take for one invocation."""


class Session:
    """Finds a Gyropilot server, or starts one, and hands out clients for it.

    The server is looked for under the URL given, under `GYROPILOT_ENDPOINT_URL`, and in the state folder; when none
    answers there, one is started on loopback that goes on after this program ends. Keys are the state folder's, or
    else what boto3 finds by itself.

    Args:
        endpoint_url: the server's URL.
        home: the state folder; `GYROPILOT_HOME` or `~/.gyropilot` unless given.
        region: region of requests and signatures; `GYROPILOT_REGION` or `us-east-1` unless given.

    Raises:
        SessionError: when there is no server and none can be started.
    """

    def __init__(
        self, endpoint_url: str | None = None, *, home: str | Path | None = None, region: str | None = None
    ) -> None:
        self._home = Home.find(home)
        self.region = region or os.environ.get("GYROPILOT_REGION") or DEFAULT_REGION
        self._clients: dict[str, Any] = {}
        found = endpoint_url or find_server(self._home, os.environ) or start_server(self._home, os.environ)
        self.endpoint_url = found.rstrip("/")

    def __repr__(self) -> str:
        return f"Session({self.endpoint_url!r}, region={self.region!r})"

    # fmt: off
    @overload
    def client(self, service: Literal["sagemaker"]) -> SageMakerClient: ...
    @overload
    def client(self, service: Literal["sagemaker-runtime"]) -> SageMakerRuntimeClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    # fmt: on

    def client(self, service: str) -> Any:
        """Return a boto3 client of the server for `sagemaker`, `sagemaker-runtime`, `s3`, `logs` or `sts`."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    def _make_client(self, service: str) -> Any:
        from botocore.config import Config

        is_local = urllib.parse.urlsplit(self.endpoint_url).hostname in {"127.0.0.1", "::1", "localhost"}
        config = Config(
            proxies={} if is_local else None,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path"},
        )
        clients: Any = self._boto
        return clients.client(service, endpoint_url=self.endpoint_url, config=config)

    def environment(self) -> dict[str, str]:
        """Return the variables that make boto3, the SageMaker SDK and the AWS CLI speak to the server.

        Raises:
            SessionError: when there are no keys for it.
        """
        credentials = self._boto.get_credentials()
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

    @cached_property
    def account_id(self) -> str:
        """The server's account."""
        return self.client("sts").get_caller_identity()["Account"]

    @property
    def role_arn(self) -> str:
        """The role that jobs and models name: Gyropilot's own."""
        return f"arn:aws:iam::{self.account_id}:role/GyropilotExecutionRole"

    def default_bucket(self) -> str:
        """Return the bucket for data and models, `sagemaker-<region>-<account>`, and make it when it is missing."""
        s3 = self.client("s3")
        bucket = f"sagemaker-{self.region}-{self.account_id}"
        try:
            s3.head_bucket(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # HTTP: not found
                raise
            _make_bucket(s3, bucket, self.region)
        return bucket

    @cached_property
    def _boto(self) -> boto3.Session:
        import boto3

        keys = self._home.read_keys()
        if keys is None:
            return boto3.Session(region_name=self.region)
        return boto3.Session(
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            region_name=self.region,
        )


def _make_bucket(s3: S3Client, bucket: str, region: str) -> None:
    try:
        if region == DEFAULT_REGION:
            s3.create_bucket(Bucket=bucket)
        else:
            place: Any = {"LocationConstraint": region}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
