"""Listings of objects, their only versions, and uploads. Pages go on after a key, so they neither repeat nor skip."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from gyropilot.api.operations.buckets import bucket_of, decode_token, encode_token, owner
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.objects import STORAGE_CLASS
from gyropilot.service.ports import Blob, BlobPage, BlobUpload

PAGE_SIZE_MAX = 1000
NO_VERSION = "null"
"""What S3 calls the version of an object that was stored without versions."""


def list_objects_v2(context: Context, params: Params) -> Result:
    """List objects and common prefixes in the order of their keys."""
    bucket, size = bucket_of(context, params), _page_size(context, params, "MaxKeys")
    token = params.get("ContinuationToken")
    page = _read_page(context, params, decode_token(token) if token is not None else params.get("StartAfter", ""), size)
    result: Result = {
        "Name": bucket,
        "KeyCount": len(page.blobs) + len(page.prefixes),
        **_echo(params, "Prefix", "Delimiter", "StartAfter"),
        **({"ContinuationToken": token} if token is not None else {}),
        **_describe_page(context, params, page, size),
    }
    if page.next_start_after:
        result["NextContinuationToken"] = encode_token(page.next_start_after)
    return result


def list_objects(context: Context, params: Params) -> Result:
    """List objects and common prefixes in the order of their keys, the old way."""
    bucket, size = bucket_of(context, params), _page_size(context, params, "MaxKeys")
    page = _read_page(context, params, params.get("Marker", ""), size)
    result: Result = {
        "Name": bucket,
        **_echo(params, "Prefix", "Delimiter"),
        "Marker": _write_key(params.get("Marker", ""), params),
        **_describe_page(context, {**params, "FetchOwner": True}, page, size),
    }
    if page.next_start_after:
        result["NextMarker"] = _write_key(page.next_start_after, params)
    return result


def list_object_versions(context: Context, params: Params) -> Result:
    """List objects as the only versions of themselves."""
    bucket, size = bucket_of(context, params), _page_size(context, params, "MaxKeys")
    page = _read_page(context, params, params.get("KeyMarker", ""), size)
    result: Result = {
        "Name": bucket,
        **_echo(params, "Prefix", "Delimiter"),
        "KeyMarker": _write_key(params.get("KeyMarker", ""), params),
        "VersionIdMarker": params.get("VersionIdMarker", ""),
        **_describe_page(context, {**params, "FetchOwner": True}, page, size),
    }
    result["Versions"] = [{**item, "VersionId": NO_VERSION, "IsLatest": True} for item in result.pop("Contents", [])]
    if page.next_start_after:
        result |= {"NextKeyMarker": _write_key(page.next_start_after, params), "NextVersionIdMarker": NO_VERSION}
    return result


def list_multipart_uploads(context: Context, params: Params) -> Result:
    """List uploads in the order of their keys, then of their ids."""
    bucket, size = bucket_of(context, params), _page_size(context, params, "MaxUploads")
    if params.get("Delimiter"):
        raise context.refuse_unserved("ListMultipartUploads with a delimiter")
    prefix = params.get("Prefix", "")
    after = params.get("KeyMarker", "").encode(), params.get("UploadIdMarker", "")
    uploads = [
        upload
        for upload in context.service.blobs.list_uploads(bucket)
        if upload.key.startswith(prefix) and _is_behind(upload, after)
    ]
    page = uploads[:size]
    result: Result = {
        "Bucket": bucket,
        **_echo(params, "Prefix"),
        "KeyMarker": _write_key(params.get("KeyMarker", ""), params),
        "UploadIdMarker": params.get("UploadIdMarker", ""),
        "MaxUploads": size,
        "IsTruncated": bool(page) and len(page) < len(uploads),
        "Uploads": [_describe_upload(context, params, upload) for upload in page],
        **({"EncodingType": params["EncodingType"]} if "EncodingType" in params else {}),
    }
    if result["IsTruncated"]:
        result |= {"NextKeyMarker": _write_key(page[-1].key, params), "NextUploadIdMarker": page[-1].id}
    return result


def _is_behind(upload: BlobUpload, after: tuple[bytes, str]) -> bool:
    key = upload.key.encode()
    return (key, upload.id) > after if after[1] else key > after[0]


def _describe_upload(context: Context, params: Params, upload: BlobUpload) -> Result:
    return {
        "Key": _write_key(upload.key, params),
        "UploadId": upload.id,
        "Initiated": upload.created_at,
        "StorageClass": STORAGE_CLASS,
        "Owner": owner(context),
        "Initiator": owner(context),
        **describe_upload_checksum(upload),
    }


def describe_upload_checksum(upload: BlobUpload) -> Result:
    """Return the members of an answer that tell which checksum an upload is to have."""
    if not upload.checksum_algorithm:
        return {}
    return {"ChecksumAlgorithm": upload.checksum_algorithm.upper(), "ChecksumType": upload.checksum_type}


def _page_size(context: Context, params: Params, name: str) -> int:
    size = min(int(params.get(name, PAGE_SIZE_MAX)), PAGE_SIZE_MAX)
    if size < 0:
        raise context.refuse(f"{name} must not be negative.")
    return size


def _read_page(context: Context, params: Params, start_after: str, size: int) -> BlobPage:
    return context.service.blobs.list(
        bucket_of(context, params),
        prefix=params.get("Prefix", ""),
        delimiter=params.get("Delimiter", ""),
        start_after=start_after,
        limit=size,
    )


def _describe_page(context: Context, params: Params, page: BlobPage, size: int) -> Result:
    return {
        "MaxKeys": size,
        "IsTruncated": bool(page.next_start_after),
        "Contents": [_summarize(context, params, blob) for blob in page.blobs],
        "CommonPrefixes": [{"Prefix": _write_key(prefix, params)} for prefix in page.prefixes],
        **({"EncodingType": params["EncodingType"]} if "EncodingType" in params else {}),
    }


def _echo(params: Params, *names: str) -> Result:
    """Return what the request asked for; a prefix is always told."""
    return {name: _write_key(params.get(name, ""), params) for name in names if params.get(name) or name == "Prefix"}


def _write_key(key: str, params: Params) -> str:
    """Return a key as it is listed; encoded as in a URL if asked, since XML cannot hold every character."""
    return quote(key, safe="/") if params.get("EncodingType") == "url" else key


def _summarize(context: Context, params: Params, blob: Blob) -> Result:
    summary: Result = {
        "Key": _write_key(blob.key, params),
        "LastModified": blob.modified_at,
        "ETag": f'"{blob.etag}"',
        "Size": blob.size,
        "StorageClass": STORAGE_CLASS,
    }
    if algorithms := _list_algorithms(blob):
        summary["ChecksumAlgorithm"] = algorithms
    return summary | ({"Owner": owner(context)} if params.get("FetchOwner") else {})


def _list_algorithms(blob: Blob) -> Sequence[str]:
    return [algorithm.upper() for algorithm in blob.checksums]
