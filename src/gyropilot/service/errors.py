"""What can go wrong in the service.

These errors know nothing of AWS; `api/errors.py` gives each its code and status.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of every error that a caller of the service can cause or must handle."""


class NotFoundError(ServiceError):
    """There is no record of this kind under this name."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"there is no {kind} called {name!r}")


class AlreadyExistsError(ServiceError):
    """A record of this kind has the name already (names differ in more than case)."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"a {kind} called {name!r} exists already")


class ConflictError(ServiceError):
    """Somebody else changed the record since it was read; read it again and decide anew."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"the {kind} {name!r} was changed by somebody else")


class InvalidRequestError(ServiceError):
    """The request breaks a rule that its shape alone does not show; the message names field, rule and value."""


class LimitExceededError(ServiceError):
    """There are as many of something as the quotas allow."""

    def __init__(self, what: str, limit: int, used: int) -> None:
        self.what = what
        self.limit = limit
        self.used = used
        super().__init__(f"the limit of {limit} {what} is reached: there are {used}")


class NotImplementedYetError(ServiceError):
    """The request asks for something of the API that Gyropilot does not do yet."""


class InvalidMoveError(ServiceError):
    """The resource is in a state that forbids what was asked."""

    def __init__(self, kind: str, name: str, status: str, asked: str) -> None:
        self.kind = kind
        self.name = name
        self.status = status
        self.asked = asked
        super().__init__(f"the {kind} {name!r} is in status {status} and cannot go to {asked}")


class BucketNotFoundError(ServiceError):
    """There is no bucket of this name."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"there is no bucket called {bucket!r}")


class BucketAlreadyExistsError(ServiceError):
    """The bucket exists already and belongs to the caller."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"the bucket {bucket!r} exists already")


class BucketNotEmptyError(ServiceError):
    """A bucket that still holds objects cannot be deleted."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"the bucket {bucket!r} is not empty")


class InvalidBucketNameError(ServiceError):
    """The text cannot be the name of a bucket: 3 to 63 of a-z, 0-9, dot and hyphen."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        super().__init__(f"{bucket!r} is not a valid bucket name")


class BlobNotFoundError(ServiceError):
    """There is no object under this key."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"there is no object {key!r} in bucket {bucket!r}")


class BlobChangedError(ServiceError):
    """The object is not the one that the caller wants to replace or delete."""

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        super().__init__(f"the object {key!r} in bucket {bucket!r} is not the one that was to be replaced")


class InvalidBlobKeyError(ServiceError):
    """The text cannot be the key of an object: 1 to 1,024 bytes of UTF-8 without NUL."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{key!r} is not a valid object key")


class BlobStoreError(ServiceError):
    """The store of the objects refused for a reason of its own, or cannot be reached; the message says what it said."""


class UploadNotFoundError(ServiceError):
    """There is no multipart upload of this id (it was completed, aborted or never begun)."""

    def __init__(self, upload_id: str) -> None:
        self.upload_id = upload_id
        super().__init__(f"there is no multipart upload {upload_id!r}")


class InvalidPartError(ServiceError):
    """A part named when completing an upload was never sent, or another ETag was."""


class InvalidRangeError(ServiceError):
    """The byte range asked for lies outside the object."""


class UnreadableTableError(ServiceError):
    """The stored object is not a table of the declared format; the message says why."""


class EndpointNotReadyError(ServiceError):
    """The endpoint exists but cannot answer now."""

    def __init__(self, endpoint: str, status: str) -> None:
        self.endpoint = endpoint
        self.status = status
        super().__init__(f"the endpoint {endpoint!r} is in status {status}")


class EndpointBusyError(ServiceError):
    """The endpoint is being made or changed, and cannot be changed before that is over."""

    def __init__(self, endpoint: str, status: str) -> None:
        self.endpoint = endpoint
        self.status = status
        super().__init__(f"the endpoint {endpoint!r} is in status {status} and cannot be updated now")


class VariantNotFoundError(ServiceError):
    """The endpoint has no variant of this name."""

    def __init__(self, endpoint: str, variant: str) -> None:
        self.endpoint = endpoint
        self.variant = variant
        super().__init__(f"the endpoint {endpoint!r} has no variant {variant!r}")


class ModelAnsweredError(ServiceError):
    """The model server answered an invocation with an error of its own."""

    def __init__(self, endpoint: str, status: int, body: bytes) -> None:
        self.endpoint = endpoint
        self.status = status
        self.body = body
        super().__init__(f"the model behind {endpoint!r} answered {status}")


class ModelTimedOutError(ServiceError):
    """The model server gave no answer within the limit."""

    def __init__(self, endpoint: str, seconds: float) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        super().__init__(f"the model behind {endpoint!r} gave no answer within {seconds:g} s")


class ModelUnreachableError(ServiceError):
    """The model server could not be reached; it is being started again."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"the model behind {endpoint!r} cannot be reached")


class LogStreamNotFoundError(ServiceError):
    """There is no log group or stream of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is no log {name!r}")
