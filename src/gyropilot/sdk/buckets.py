"""What a session does with S3: the default bucket, uploads and downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.clients import Clients
from gyropilot.sdk.defaults import BUCKET, BUCKET_PREFIX, find_default, read_defaults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIRST_REGION = "us-east-1"
"""The one region that S3 does not want to be told when a bucket is made."""
NOT_FOUND = 404  # HTTP


class Buckets(Clients):
    """The default bucket of a place, and files that go there and back.

    Args:
        bucket: name of the default bucket; None: that of the defaults file, or `sagemaker-<region>-<account>`.
        prefix: what every key in the default bucket begins with; None: that of the defaults file, or nothing.
        defaults: what the defaults file says; None: the files are read.
        place: the arguments of `Clients`.
    """

    def __init__(
        self, *, bucket: str | None, prefix: str | None, defaults: dict[str, Any] | None, place: Mapping[str, Any]
    ) -> None:
        super().__init__(**place)
        self._given_defaults = defaults
        self._given_bucket = bucket
        self._given_prefix = prefix
        self._is_bucket_there = False

    @cached_property
    def sagemaker_config(self) -> dict[str, Any]:
        """What the defaults file says; read when it is needed."""
        return read_defaults() if self._given_defaults is None else self._given_defaults

    @cached_property
    def default_bucket_prefix(self) -> str | None:
        """What keys in the default bucket begin with."""
        return self._given_prefix or find_default(self.sagemaker_config, BUCKET_PREFIX)

    def default_bucket(self) -> str:
        """Return the bucket for data and models and make it when it is missing.

        Raises:
            botocore.exceptions.ClientError: when it belongs to another account, or may not be looked at or made.
        """
        if not self._is_bucket_there:
            self._ensure_bucket()
            self._is_bucket_there = True
        return self._bucket

    @cached_property
    def _named_bucket(self) -> str | None:
        return self._given_bucket or find_default(self.sagemaker_config, BUCKET)

    @cached_property
    def _bucket(self) -> str:
        return self._named_bucket or f"sagemaker-{self.region}-{self.account_id()}"

    def _ensure_bucket(self) -> None:
        s3 = self.s3_client
        owner = {} if self._named_bucket else {"ExpectedBucketOwner": self.account_id()}
        try:
            s3.head_bucket(Bucket=self._bucket, **owner)
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != NOT_FOUND:
                raise
            _make_bucket(s3, self._bucket, self.region)

    def default_location(self, *parts: str) -> tuple[str, str]:
        """Return the default bucket and a key in it, below the prefix."""
        return self.default_bucket(), "/".join(part for part in (self.default_bucket_prefix, *parts) if part)

    def upload_data(
        self,
        path: str | Path,
        bucket: str | None = None,
        key_prefix: str = "data",
        callback: Callable[[int], None] | None = None,
        extra_args: dict[str, Any] | None = None,
    ) -> str:
        """Upload a file, or every file below a folder, and return its `s3://` address.

        Args:
            path: the file or the folder.
            bucket: where to; the default bucket unless given.
            key_prefix: what the keys begin with.
            callback: called with the number of bytes that were sent since the last call.
            extra_args: further arguments of boto3's `upload_file`, such as `ServerSideEncryption`.

        Raises:
            FileNotFoundError: when there is no such file.
        """
        source = Path(path).expanduser()
        if not source.exists():
            raise FileNotFoundError(f"There is no file {source}; give a path on this machine, or an s3:// address.")
        if bucket is None:
            bucket, key_prefix = self.default_location(key_prefix)
        for file, key in _name_objects(source, key_prefix):
            self.s3_client.upload_file(str(file), bucket, key, Callback=callback, ExtraArgs=extra_args)
        address = f"s3://{bucket}/{key_prefix}".rstrip("/")
        return f"{address}/{source.name}" if source.is_file() else address

    def upload_string_as_file_body(self, body: str | bytes, bucket: str, key: str, kms_key: str | None = None) -> str:
        """Store a text or bytes as an object and return its `s3://` address; encrypted with the key if one is given."""
        encryption: dict[str, Any] = (
            {} if kms_key is None else {"SSEKMSKeyId": kms_key, "ServerSideEncryption": "aws:kms"}
        )
        content = body.encode() if isinstance(body, str) else body
        self.s3_client.put_object(Body=content, Bucket=bucket, Key=key, **encryption)
        return f"s3://{bucket}/{key}"

    def download_data(
        self, path: str | Path, bucket: str, key_prefix: str = "", extra_args: dict[str, Any] | None = None
    ) -> list[str]:
        """Download an object, or every one below a prefix, into a folder and return the files' paths.

        Raises:
            ValueError: when a key would lead out of the folder.
        """
        folder = Path(path).expanduser().resolve()
        downloaded = []
        for key in self.list_s3_files(bucket, key_prefix):
            if key.endswith("/"):
                continue  # a folder of S3's console
            name = key.removeprefix(key_prefix).lstrip("/") if key != key_prefix else key.rpartition("/")[2]
            target = (folder / name).resolve()
            if not target.is_relative_to(folder):
                raise ValueError(f"The key {key!r} of bucket {bucket} leads out of {folder}; download it by itself.")
            target.parent.mkdir(parents=True, exist_ok=True)
            self.s3_client.download_file(bucket, key, str(target), ExtraArgs=extra_args)
            downloaded.append(str(target))
        return downloaded

    def read_s3_file(self, bucket: str, key_prefix: str) -> str:
        """Return the text of the object with this key."""
        return self.s3_client.get_object(Bucket=bucket, Key=key_prefix)["Body"].read().decode()

    def list_s3_files(self, bucket: str, key_prefix: str) -> list[str]:
        """Return the keys of a bucket that begin with a prefix."""
        pages = self.s3_client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key_prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


def _name_objects(source: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    """Yield every file to upload with its key."""
    beginning = f"{prefix}/" if prefix else ""
    if source.is_file():
        yield source, beginning + source.name
        return
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        yield file, beginning + file.relative_to(source).as_posix()


def _make_bucket(s3: S3Client, bucket: str, region: str) -> None:
    try:
        if region == FIRST_REGION:
            s3.create_bucket(Bucket=bucket)
        else:
            place: Any = {"LocationConstraint": region}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
