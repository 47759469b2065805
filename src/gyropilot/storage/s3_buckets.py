"""Buckets of an S3 elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gyropilot.service.errors import BlobStoreError, BucketAlreadyExistsError, BucketNotFoundError
from gyropilot.service.ports import Bucket
from gyropilot.storage.blob_names import check_bucket_name
from gyropilot.storage.s3_errors import translate_errors

OLDEST_REGION = "us-east-1"
UNKNOWN = datetime.fromtimestamp(0, UTC)
"""When a bucket was made, for a user who may not list buckets."""


class S3Buckets:
    """The buckets that a client of S3 sees."""

    def __init__(self, client: Any) -> None:
        self._s3 = client

    def create(self, bucket: str) -> Bucket:
        """Make a bucket, in the client's region."""
        check_bucket_name(bucket)
        if self._has(bucket):  # AWS's oldest region makes it again without a word
            raise BucketAlreadyExistsError(bucket)
        region = self._s3.meta.region_name
        place = {} if region == OLDEST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with translate_errors(bucket):
            self._s3.create_bucket(Bucket=bucket, **place)
        return self.get(bucket)

    def get(self, bucket: str) -> Bucket:
        """Return a bucket; nobody needs the right to list buckets, or to read tags, in order to use one."""
        self.require(bucket)
        try:
            made = {known.name: known.created_at for known in self.list(prefix=bucket)}
        except BlobStoreError:
            made = {}
        return Bucket(name=bucket, created_at=made.get(bucket, UNKNOWN), tags=self._read_tags(bucket))

    def set_tags(self, bucket: str, tags: Mapping[str, str]) -> Bucket:
        """Give a bucket other tags."""
        check_bucket_name(bucket)
        with translate_errors(bucket):
            if tags:
                self._s3.put_bucket_tagging(Bucket=bucket, Tagging=write_tag_set(tags))
            else:
                self._s3.delete_bucket_tagging(Bucket=bucket)
        return self.get(bucket)

    def delete(self, bucket: str) -> None:
        """Remove an empty bucket."""
        check_bucket_name(bucket)
        with translate_errors(bucket):
            self._s3.delete_bucket(Bucket=bucket)

    def require(self, bucket: str) -> None:
        """Refuse a bucket that is not there.

        Raises:
            InvalidBucketNameError: when the name cannot be a bucket's.
            BucketNotFoundError: when there is none.
        """
        check_bucket_name(bucket)
        with translate_errors(bucket):
            self._s3.head_bucket(Bucket=bucket)

    def list(self, *, prefix: str = "") -> Sequence[Bucket]:
        """Return the buckets in the order of their names; their tags are not asked for."""
        with translate_errors():
            pages = self._s3.get_paginator("list_buckets").paginate(Prefix=prefix)
            found = [item for page in pages for item in page["Buckets"]]
        buckets = [Bucket(name=item["Name"], created_at=item["CreationDate"]) for item in found]
        return sorted(buckets, key=lambda bucket: bucket.name)

    def _has(self, bucket: str) -> bool:
        try:
            self.require(bucket)
        except BucketNotFoundError:
            return False
        return True

    def _read_tags(self, bucket: str) -> dict[str, str]:
        try:
            answer = self._s3.get_bucket_tagging(Bucket=bucket)
        except self._s3.exceptions.ClientError:  # none, or none of the user's business
            return {}
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def write_tag_set(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return tags as S3's documents have them."""
    return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
