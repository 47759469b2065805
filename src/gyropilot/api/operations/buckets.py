"""Buckets."""

from __future__ import annotations

import base64
import binascii

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.context import Context, Params, Result

US_EAST_1 = "us-east-1"
"""The region whose buckets have no location: AWS's oldest."""


def bucket_of(context: Context, params: Params) -> str:
    """Return the bucket's name once its owner is the one that the caller expects.

    Raises:
        ApiError: when the caller expects another owner.
    """
    expected = params.get("ExpectedBucketOwner")
    if expected is not None and expected != context.service.identity.account_id:
        raise ApiError("AccessDenied", "The bucket does not belong to the expected owner.", 403)
    return str(params["Bucket"])


def create_bucket(context: Context, params: Params) -> Result:
    """Make a bucket, in whatever region: there is but one place."""
    bucket = context.service.blobs.create_bucket(params["Bucket"])
    return {"Location": f"/{bucket.name}"}


def head_bucket(context: Context, params: Params) -> Result:
    """Tell that a bucket is there."""
    context.service.blobs.get_bucket(bucket_of(context, params))
    return {"BucketRegion": context.service.identity.region, "AccessPointAlias": False}


def get_bucket_location(context: Context, params: Params) -> Result:
    """Tell where a bucket is."""
    context.service.blobs.get_bucket(bucket_of(context, params))
    region = context.service.identity.region
    return {} if region == US_EAST_1 else {"LocationConstraint": region}


def delete_bucket(context: Context, params: Params) -> Result:
    """Remove an empty bucket."""
    context.service.blobs.delete_bucket(bucket_of(context, params))
    return {}


def list_buckets(context: Context, params: Params) -> Result:
    """List the buckets in the order of their names."""
    prefix, size = params.get("Prefix", ""), params.get("MaxBuckets")
    after = decode_token(params["ContinuationToken"]) if params.get("ContinuationToken") else ""
    found = [b for b in context.service.blobs.list_buckets() if b.name.startswith(prefix) and b.name > after]
    page = found[:size]
    result: Result = {
        "Buckets": [{"Name": bucket.name, "CreationDate": bucket.created_at} for bucket in page],
        "Owner": owner(context),
    }
    if len(page) < len(found):
        result["ContinuationToken"] = encode_token(page[-1].name)
    return result | ({"Prefix": prefix} if prefix else {})


def owner(context: Context) -> Result:
    """Return the owner of everything."""
    return {"ID": context.service.identity.account_id, "DisplayName": "gyropilot"}


def encode_token(text: str) -> str:
    """Return an opaque token that stands for a key or name."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_token(token: str) -> str:
    """Return what a token stands for.

    Raises:
        ApiError: when it is not one of ours.
    """
    try:
        text = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text:
        raise ApiError("InvalidArgument", "The continuation token provided is incorrect")
    return text
