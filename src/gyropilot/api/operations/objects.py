"""Objects."""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import datetime
from typing import BinaryIO, cast

from gyropilot.api.errors import ApiError, Place, translate_error
from gyropilot.api.operations.buckets import bucket_of
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.wire import Stream
from gyropilot.service.errors import InvalidRangeError, ServiceError
from gyropilot.service.ports import Blob

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
MAX_DELETIONS = 1000


def put_object(context: Context, params: Params) -> Result:
    """Store an object."""
    for name in ("IfMatch", "IfNoneMatch", "WriteOffsetBytes"):
        if name in params:
            raise context.refuse_unserved(f"PutObject with {name}")
    blob = context.service.blobs.put(
        bucket_of(context, params),
        params["Key"],
        cast("BinaryIO", params["Body"]),
        content_type=params.get("ContentType", "binary/octet-stream"),
        metadata=params.get("Metadata", {}),
    )
    return {"ETag": f'"{blob.etag}"'}


def get_object(context: Context, params: Params) -> Result:
    """Give an object's content, whole or in part, without loading it."""
    blobs, bucket = context.service.blobs, bucket_of(context, params)
    _check_unversioned(context, params)
    span = _read_range(params, blobs.head(bucket, params["Key"]).size)
    first, last = span or (0, None)
    with ExitStack() as stack:
        blob, content = stack.enter_context(blobs.open(bucket, params["Key"], first=first, last=last))
        _check_conditions(blob, params)
        length = (blob.size if last is None else min(last + 1, blob.size)) - first
        stream = Stream(content=content, length=length, close=stack.pop_all().close)
    result = {**_describe(blob), "ContentLength": length, "Body": stream}
    return result | ({"ContentRange": f"bytes {first}-{first + length - 1}/{blob.size}"} if span else {})


def head_object(context: Context, params: Params) -> Result:
    """Tell what is known of an object."""
    _check_unversioned(context, params)
    blob = context.service.blobs.head(bucket_of(context, params), params["Key"])
    _check_conditions(blob, params)
    span = _read_range(params, blob.size)
    if span is None:
        return {**_describe(blob), "ContentLength": blob.size}
    first, last = span[0], min(span[1], blob.size - 1)
    return {
        **_describe(blob),
        "ContentLength": last - first + 1,
        "ContentRange": f"bytes {first}-{last}/{blob.size}",
    }


def delete_object(context: Context, params: Params) -> Result:
    """Remove an object; one that is not there is no error."""
    _check_unversioned(context, params)
    context.service.blobs.delete(bucket_of(context, params), params["Key"])
    return {}


def delete_objects(context: Context, params: Params) -> Result:
    """Remove many objects; each tells for itself how it went."""
    bucket = bucket_of(context, params)
    context.service.blobs.get_bucket(bucket)
    wanted = params["Delete"]["Objects"]
    if len(wanted) > MAX_DELETIONS:
        raise ApiError("MalformedXML", f"At most {MAX_DELETIONS} objects can be deleted at once.")
    deleted, failed = [], []
    for item in wanted:
        try:
            _check_unversioned(context, item)
            context.service.blobs.delete(bucket, item["Key"])
            deleted.append({"Key": item["Key"]})
        except (ServiceError, ApiError) as error:
            failed.append(_describe_failure(context, item["Key"], error))
    return {"Errors": failed} | ({} if params["Delete"].get("Quiet") else {"Deleted": deleted})


def _describe_failure(context: Context, key: str, error: ServiceError | ApiError) -> Result:
    if isinstance(error, ApiError):
        wire = error.error
    else:
        wire = translate_error(error, Place(service=context.aws_service, identity=context.service.identity))
    return {"Key": key, "Code": wire.code, "Message": wire.message}


def _describe(blob: Blob) -> Result:
    return {
        "AcceptRanges": "bytes",
        "LastModified": blob.modified_at,
        "ETag": f'"{blob.etag}"',
        "ContentType": blob.content_type,
        "Metadata": dict(blob.metadata),
    }


def _read_range(params: Params, size: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for; a range that is not understood is none, as HTTP has it."""
    found = _RANGE.fullmatch(params.get("Range", ""))
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        if int(last) == 0 or size == 0:
            raise InvalidRangeError("the range holds no byte")
        return max(size - int(last), 0), size - 1
    if int(first) >= size:
        raise InvalidRangeError("the range begins behind the object's end")
    if last and int(last) < int(first):
        return None
    return int(first), int(last) if last else size - 1


def _check_unversioned(context: Context, params: Params) -> None:
    if params.get("VersionId", "null") != "null":
        raise context.refuse_unserved("versions of objects")


def _check_conditions(blob: Blob, params: Params) -> None:
    """Check the conditions of a reading request, in HTTP's order.

    Raises:
        ApiError: with status 304 or 412 when one is not met.
    """
    tags = {blob.etag, f'"{blob.etag}"', "*"}
    moment = blob.modified_at.replace(microsecond=0)
    if "IfMatch" in params:
        _require(params["IfMatch"] in tags, 412)
    elif "IfUnmodifiedSince" in params:
        _require(moment <= cast("datetime", params["IfUnmodifiedSince"]), 412)
    if "IfNoneMatch" in params:
        _require(params["IfNoneMatch"] not in tags, 304)
    elif "IfModifiedSince" in params:
        _require(moment > cast("datetime", params["IfModifiedSince"]), 304)


def _require(is_met: bool, status: int) -> None:  # the condition reads as the first argument
    if not is_met and status == 304:  # HTTP: not modified
        raise ApiError("NotModified", "Not Modified", status)
    if not is_met:
        raise ApiError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", status)
