"""What an S3 elsewhere refuses, in the service's own errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from gyropilot.service.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BlobStoreError,
    BucketAlreadyExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    InvalidPartError,
    InvalidRangeError,
    ServiceError,
    UploadNotFoundError,
)


@dataclass(frozen=True)
class _Place:
    bucket: str
    key: str
    upload_id: str


def _missing(place: _Place) -> ServiceError:
    return BlobNotFoundError(place.bucket, place.key) if place.key else BucketNotFoundError(place.bucket)


_ERRORS: Mapping[str, Callable[[_Place], ServiceError]] = {
    "404": _missing,
    "NoSuchBucket": lambda place: BucketNotFoundError(place.bucket),
    "NoSuchKey": lambda place: BlobNotFoundError(place.bucket, place.key),
    "NoSuchUpload": lambda place: UploadNotFoundError(place.upload_id),
    "BucketAlreadyOwnedByYou": lambda place: BucketAlreadyExistsError(place.bucket),
    "BucketAlreadyExists": lambda place: BucketAlreadyExistsError(place.bucket),
    "BucketNotEmpty": lambda place: BucketNotEmptyError(place.bucket),
    "PreconditionFailed": lambda place: BlobChangedError(place.bucket, place.key),
    "ConditionalRequestConflict": lambda place: BlobChangedError(place.bucket, place.key),
    "InvalidPart": lambda place: InvalidPartError(
        f"a part of the upload {place.upload_id} is not the one that was sent"
    ),
    "InvalidRange": lambda place: InvalidRangeError(f"the range holds no byte of {place.key!r}"),
}


@contextmanager
def translate_errors(bucket: str = "", key: str = "", upload_id: str = "") -> Iterator[None]:
    """Raise the service's error for one of S3, or of the way to it.

    Raises:
        BlobStoreError: when S3 refuses for another reason, or does not answer.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _ERRORS:
            raise _ERRORS[code](_Place(bucket, key, upload_id)) from None
        raise BlobStoreError(f"S3 refused {error.operation_name} of {_name(bucket, key)}: {error}") from error
    except BotoCoreError as error:
        raise BlobStoreError(f"S3 cannot be asked about {_name(bucket, key)}: {error}") from error


def _name(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}" if bucket else "buckets"
