"""Objects."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import BinaryIO, cast

from gyropilot.api.checksums import CheckedBody
from gyropilot.api.errors import ApiError, Place, translate_error
from gyropilot.api.operations.buckets import bucket_of
from gyropilot.api.operations.conditions import check_conditions, read_etag, read_replaced
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.properties import (
    describe_checksums,
    describe_properties,
    read_properties,
    refuse_unserved_parameters,
)
from gyropilot.api.wire import Stream
from gyropilot.service.errors import InvalidRangeError, ServiceError
from gyropilot.service.ports import Blob

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
MAX_DELETIONS = 1000
STORAGE_CLASS = "STANDARD"


def put_object(context: Context, params: Params) -> Result:
    """Store an object."""
    refuse_unserved_parameters(context, params)
    body = cast("CheckedBody", params["Body"])
    blob = context.service.blobs.put(
        bucket_of(context, params),
        params["Key"],
        cast("BinaryIO", body),
        read_properties(params, body.checksums),
        replaces=read_replaced(context, params),
    )
    return {"ETag": f'"{blob.etag}"', **describe_checksums(blob.checksums)}


def get_object(context: Context, params: Params) -> Result:
    """Give an object's content, whole or in part, without loading it."""
    refuse_unserved_parameters(context, params)
    check_unversioned(context, params)
    with ExitStack() as stack:
        blob, content = stack.enter_context(context.service.blobs.open(bucket_of(context, params), params["Key"]))
        result, span = _describe(context, params, blob)
        content.seek(span.start)
        result["Body"] = Stream(content=content, length=len(span), close=stack.pop_all().close)
    return result


def head_object(context: Context, params: Params) -> Result:
    """Tell what is known of an object."""
    refuse_unserved_parameters(context, params)
    check_unversioned(context, params)
    blob = context.service.blobs.head(bucket_of(context, params), params["Key"])
    return _describe(context, params, blob)[0]


def get_object_attributes(context: Context, params: Params) -> Result:
    """Tell those attributes of an object that are asked for; the parts of an upload are not kept."""
    refuse_unserved_parameters(context, params)
    check_unversioned(context, params)
    blob = context.service.blobs.head(bucket_of(context, params), params["Key"])
    known: Result = {"ETag": blob.etag, "ObjectSize": blob.size, "StorageClass": STORAGE_CLASS}
    known |= {"Checksum": describe_checksums(blob.checksums)} if blob.checksums else {}
    if count := count_parts(blob):
        known["ObjectParts"] = {"TotalPartsCount": count}
    wanted = {name for item in params["ObjectAttributes"] for name in item.split(",")}
    return {"LastModified": blob.modified_at} | {name: value for name, value in known.items() if name in wanted}


def delete_object(context: Context, params: Params) -> Result:
    """Remove an object; one that is not there is no error."""
    check_unversioned(context, params)
    for name in ("IfMatchLastModifiedTime", "IfMatchSize"):
        if name in params:
            raise context.refuse_unserved(f"DeleteObject with {name}")
    context.service.blobs.delete(bucket_of(context, params), params["Key"], etag=read_etag(params))
    return {}


def delete_objects(context: Context, params: Params) -> Result:
    """Remove many objects; each tells for itself how it went."""
    bucket = bucket_of(context, params)
    context.service.blobs.get_bucket(bucket)
    wanted = params["Delete"]["Objects"]
    if not 1 <= len(wanted) <= MAX_DELETIONS:
        raise ApiError("MalformedXML", f"1 to {MAX_DELETIONS} objects can be deleted at once, not {len(wanted)}.")
    deleted, failed = [], []
    for item in wanted:
        try:
            check_unversioned(context, item)
            context.service.blobs.delete(bucket, item["Key"], etag=read_etag({"IfMatch": item.get("ETag")}))
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


def _describe(context: Context, params: Params, blob: Blob) -> tuple[Result, range]:
    """Return what is told of an object and the positions that are asked for, once the conditions are met."""
    check_conditions(blob, params)
    _check_part_number(context, params, blob)
    span = read_range(params.get("Range", ""), blob.size)
    positions = span or range(blob.size)
    result: Result = {
        "AcceptRanges": "bytes",
        "LastModified": blob.modified_at,
        "ETag": f'"{blob.etag}"',
        "ContentLength": len(positions),
        **describe_properties(blob, params),
    }
    if span:
        return result | {"ContentRange": f"bytes {span.start}-{span.stop - 1}/{blob.size}"}, span
    if params.get("ChecksumMode") == "ENABLED":  # of the whole object, so not with a part of it
        result |= describe_checksums(blob.checksums)
    return result, positions


def read_range(text: str, size: int) -> range | None:
    """Return the positions asked for; a range that is not understood is none, as HTTP has it.

    Raises:
        InvalidRangeError: when it holds no byte of an object of this size.
    """
    found = _RANGE.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        if int(last) == 0 or size == 0:
            raise InvalidRangeError("the range holds no byte")
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise InvalidRangeError("the range begins behind the object's end")
    return range(int(first), min(int(last) + 1, size) if last else size)


def count_parts(blob: Blob) -> int:
    """Return of how many parts an object was made; 0: it was stored at once."""
    return int(blob.etag.partition("-")[2] or 0)


def _check_part_number(context: Context, params: Params, blob: Blob) -> None:
    number = params.get("PartNumber")
    if number is not None and count_parts(blob):
        raise context.refuse_unserved("single parts of completed uploads")
    if number not in (None, 1):
        raise ApiError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)


def check_unversioned(context: Context, params: Params) -> None:
    """Refuse a version of an object other than the one that there is.

    Raises:
        ApiError: when another is asked for.
    """
    if params.get("VersionId", "null") != "null":
        raise context.refuse_unserved("versions of objects")
