"""Settings that no bucket has here, answered as AWS answers for a bucket without them; setting them is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.buckets import bucket_of, owner
from gyropilot.api.operations.context import Context, Operation, Params, Result
from gyropilot.api.operations.objects import check_unversioned


def _answer(result: Result) -> Operation:
    """Return an operation that has the same answer for every bucket that is there."""

    def operation(context: Context, params: Params) -> Result:
        context.service.blobs.get_bucket(bucket_of(context, params))
        return dict(result)

    return operation


def _miss(code: str, message: str) -> Operation:
    """Return an operation that misses a setting of every bucket that is there."""

    def operation(context: Context, params: Params) -> Result:
        context.service.blobs.get_bucket(bucket_of(context, params))
        raise ApiError(code, message, 404)

    return operation


def get_bucket_acl(context: Context, params: Params) -> Result:
    """Tell that the owner has full control, and nobody else any."""
    context.service.blobs.get_bucket(bucket_of(context, params))
    return _private(context)


def get_object_acl(context: Context, params: Params) -> Result:
    """Tell that the owner has full control, and nobody else any."""
    check_unversioned(context, params)
    context.service.blobs.head(bucket_of(context, params), params["Key"])
    return _private(context)


def _private(context: Context) -> Result:
    grantee = {"Type": "CanonicalUser", **owner(context)}
    return {"Owner": owner(context), "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


SETTINGS: Mapping[str, Callable[[Context, Params], Result]] = {
    "GetBucketAccelerateConfiguration": _answer({}),
    "GetBucketAcl": get_bucket_acl,
    "GetBucketCors": _miss("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "GetBucketEncryption": _miss(
        "ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"
    ),
    "GetBucketLifecycleConfiguration": _miss(
        "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"
    ),
    "GetBucketLogging": _answer({}),
    "GetBucketNotificationConfiguration": _answer({}),
    "GetBucketOwnershipControls": _answer(
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    ),
    "GetBucketPolicy": _miss("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "GetBucketPolicyStatus": _miss("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "GetBucketReplication": _miss(
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found"
    ),
    "GetBucketRequestPayment": _answer({"Payer": "BucketOwner"}),
    "GetBucketVersioning": _answer({}),
    "GetBucketWebsite": _miss(
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"
    ),
    "GetObjectAcl": get_object_acl,
    "GetObjectLockConfiguration": _miss(
        "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"
    ),
    "GetPublicAccessBlock": _miss(
        "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"
    ),
}
"""Each operation that asks for such a setting, and its answer."""
