"""Multipart uploads."""

from __future__ import annotations

from typing import BinaryIO, cast

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.buckets import bucket_of
from gyropilot.api.operations.context import Context, Params, Result

MAX_PARTS = 10_000


def create_multipart_upload(context: Context, params: Params) -> Result:
    """Begin an upload."""
    bucket = bucket_of(context, params)
    upload_id = context.service.blobs.create_upload(
        bucket,
        params["Key"],
        content_type=params.get("ContentType", "binary/octet-stream"),
        metadata=params.get("Metadata", {}),
    )
    return {"Bucket": bucket, "Key": params["Key"], "UploadId": upload_id}


def upload_part(context: Context, params: Params) -> Result:
    """Store one part."""
    number = params["PartNumber"]
    if not 1 <= number <= MAX_PARTS:
        raise context.refuse(f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive")
    etag = context.service.blobs.put_part(
        bucket_of(context, params), params["Key"], params["UploadId"], number, cast("BinaryIO", params["Body"])
    )
    return {"ETag": _quote(etag)}


def complete_multipart_upload(context: Context, params: Params) -> Result:
    """Make the object of the parts."""
    bucket = bucket_of(context, params)
    for name in ("IfMatch", "IfNoneMatch"):
        if name in params:
            raise context.refuse_unserved(f"CompleteMultipartUpload with {name}")
    parts = params.get("MultipartUpload", {}).get("Parts", [])
    if not parts or not all({"PartNumber", "ETag"} <= part.keys() for part in parts):
        raise ApiError("MalformedXML", "Every part needs its number and its ETag, and there must be one at least.")
    pairs = [(part["PartNumber"], part["ETag"].strip('"')) for part in parts]
    if pairs != sorted(pairs, key=lambda pair: pair[0]):
        raise ApiError("InvalidPartOrder", "The list of parts was not in ascending order.")
    blob = context.service.blobs.complete_upload(bucket, params["Key"], params["UploadId"], pairs)
    return {"Location": f"/{bucket}/{params['Key']}", "Bucket": bucket, "Key": params["Key"], "ETag": _quote(blob.etag)}


def abort_multipart_upload(context: Context, params: Params) -> Result:
    """Throw an upload away."""
    context.service.blobs.abort_upload(bucket_of(context, params), params["Key"], params["UploadId"])
    return {}


def _quote(etag: str) -> str:
    return f'"{etag}"'
