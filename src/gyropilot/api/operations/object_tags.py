"""Tags of objects and of buckets."""

from __future__ import annotations

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.buckets import bucket_of
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.objects import check_unversioned
from gyropilot.api.operations.properties import BUCKET_TAGS_MAX, OBJECT_TAGS_MAX, read_tag_set, write_tag_set


def put_object_tagging(context: Context, params: Params) -> Result:
    """Give an object other tags."""
    check_unversioned(context, params)
    tags = read_tag_set(params, most=OBJECT_TAGS_MAX)
    context.service.blobs.set_tags(bucket_of(context, params), params["Key"], tags)
    return {}


def get_object_tagging(context: Context, params: Params) -> Result:
    """Tell the tags of an object."""
    check_unversioned(context, params)
    return write_tag_set(context.service.blobs.head(bucket_of(context, params), params["Key"]).tags)


def delete_object_tagging(context: Context, params: Params) -> Result:
    """Take an object's tags away."""
    check_unversioned(context, params)
    context.service.blobs.set_tags(bucket_of(context, params), params["Key"], {})
    return {}


def put_bucket_tagging(context: Context, params: Params) -> Result:
    """Give a bucket other tags."""
    context.service.blobs.set_bucket_tags(bucket_of(context, params), read_tag_set(params, most=BUCKET_TAGS_MAX))
    return {}


def get_bucket_tagging(context: Context, params: Params) -> Result:
    """Tell the tags of a bucket."""
    tags = context.service.blobs.get_bucket(bucket_of(context, params)).tags
    if not tags:
        raise ApiError("NoSuchTagSet", "The TagSet does not exist", 404)
    return write_tag_set(tags)


def delete_bucket_tagging(context: Context, params: Params) -> Result:
    """Take a bucket's tags away."""
    context.service.blobs.set_bucket_tags(bucket_of(context, params), {})
    return {}
