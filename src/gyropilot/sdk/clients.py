"""boto3 clients of one place: a Gyropilot server, or wherever a boto3 session points."""

from __future__ import annotations

import urllib.parse
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

from gyropilot.sdk.home import Home

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sts import STSClient

READ_SECONDS = 70
"""A little more than a model may take for one invocation."""
LOCAL_HOSTS = {"127.0.0.1", "::1", "localhost"}
AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class Clients:
    """Makes clients when they are asked for, and keeps them.

    Args:
        home: the state folder, whose keys sign requests to a server.
        region: region of requests and signatures.
        server_url: a server's URL; empty: requests go where the boto3 session sends them.
        boto_session: where keys and settings come from; made from the state folder's keys unless given.
        given: clients by service that are used as they are.
    """

    def __init__(
        self, *, home: Home, region: str, server_url: str, boto_session: boto3.Session | None, given: dict[str, Any]
    ) -> None:
        self._home = home
        self._server_url = server_url.rstrip("/")
        self._given_boto_session = boto_session
        self._clients = given
        self.region = region

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
    @overload
    def client(self, service: Literal["iam"]) -> Any: ...
    # fmt: on

    def client(self, service: str) -> Any:
        """Return a boto3 client for `sagemaker`, `sagemaker-runtime`, `s3`, `logs`, `sts` or `iam`."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    def _make_client(self, service: str) -> Any:
        from botocore.config import Config

        clients: Any = self.boto_session
        if not self._server_url:
            return clients.client(service, config=Config(read_timeout=READ_SECONDS))
        is_local = urllib.parse.urlsplit(self._server_url).hostname in LOCAL_HOSTS
        config = Config(
            proxies={} if is_local else None,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path"},
        )
        return clients.client(service, endpoint_url=self._server_url, config=config)

    @cached_property
    def boto_session(self) -> boto3.Session:
        """The boto3 session whose keys sign the requests."""
        import boto3

        if self._given_boto_session is not None:
            return self._given_boto_session
        keys = self._home.read_keys() if self._server_url else None
        if keys is None:
            return boto3.Session(region_name=self.region)
        return boto3.Session(
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            region_name=self.region,
        )

    @property
    def boto_region_name(self) -> str:
        """The region of requests and signatures."""
        return self.region

    @property
    def endpoint_url(self) -> str:
        """Where requests to SageMaker go."""
        return self._server_url or str(self.client("sagemaker").meta.endpoint_url)

    @property
    def is_aws(self) -> bool:
        """Whether requests go to AWS itself."""
        host = urllib.parse.urlsplit(self.endpoint_url).hostname or ""
        return host.endswith(AWS_DOMAINS)

    @property
    def poll_seconds(self) -> float:
        """How long to wait between two looks at what goes on: AWS limits how often one may ask."""
        return 5.0 if self.is_aws else 0.5

    @property
    def eager_poll_seconds(self) -> float:
        """How long to wait between two looks where something is about to happen."""
        return 5.0 if self.is_aws else 0.2

    @property
    def sagemaker_client(self) -> SageMakerClient:
        """The client for `sagemaker`."""
        return self.client("sagemaker")

    @property
    def sagemaker_runtime_client(self) -> SageMakerRuntimeClient:
        """The client for `sagemaker-runtime`."""
        return self.client("sagemaker-runtime")

    @property
    def s3_client(self) -> S3Client:
        """The client for `s3`."""
        return self.client("s3")

    def account_id(self) -> str:
        """Return the account that the keys belong to."""
        return self._caller["Account"]

    def get_caller_identity_arn(self) -> str:
        """Return the ARN of whoever the keys belong to."""
        return self._caller["Arn"]

    @cached_property
    def _caller(self) -> dict[str, str]:
        found = self.client("sts").get_caller_identity()
        return {"Account": found["Account"], "Arn": found["Arn"]}
