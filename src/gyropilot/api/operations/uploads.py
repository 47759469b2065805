"""Multipart uploads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, cast
from urllib.parse import quote

from gyropilot.api.checksums import CheckedBody, combine_checksums
from gyropilot.api.errors import ApiError
from gyropilot.api.operations.buckets import bucket_of, owner
from gyropilot.api.operations.conditions import read_replaced
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.listings import PAGE_SIZE_MAX, describe_upload_checksum
from gyropilot.api.operations.objects import STORAGE_CLASS
from gyropilot.api.operations.properties import (
    checksum_member,
    describe_checksums,
    read_checksums,
    read_properties,
    refuse_unserved_parameters,
)
from gyropilot.service.ports import BlobPart, BlobUpload

MAX_PARTS = 10_000


def create_multipart_upload(context: Context, params: Params) -> Result:
    """Begin an upload."""
    refuse_unserved_parameters(context, params)
    bucket = bucket_of(context, params)
    algorithm = params.get("ChecksumAlgorithm", "").lower()
    kind = params.get("ChecksumType", "FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE") if algorithm else ""
    if (algorithm == "crc64nvme" and kind == "COMPOSITE") or (kind == "FULL_OBJECT" and "crc" not in algorithm):
        raise ApiError("InvalidRequest", f"The {kind} checksum type cannot be used with {algorithm}.")
    upload_id = context.service.blobs.create_upload(
        bucket, params["Key"], read_properties(params), checksum_algorithm=algorithm, checksum_type=kind
    )
    result: Result = {"Bucket": bucket, "Key": params["Key"], "UploadId": upload_id}
    return result | ({"ChecksumAlgorithm": algorithm.upper(), "ChecksumType": kind} if algorithm else {})


def upload_part(context: Context, params: Params) -> Result:
    """Store one part."""
    refuse_unserved_parameters(context, params)
    body = cast("CheckedBody", params["Body"])
    etag = context.service.blobs.put_part(
        bucket_of(context, params),
        params["Key"],
        params["UploadId"],
        check_part_number(context, params),
        cast("BinaryIO", body),
        body.checksums,
    )
    checksums = {checksum_member(algorithm): value for algorithm, value in body.checksums.items()}
    return {"ETag": f'"{etag}"', **checksums}


def check_part_number(context: Context, params: Params) -> int:
    """Return the number of the part that is stored.

    Raises:
        ApiError: when it cannot be one.
    """
    number = int(params["PartNumber"])
    if not 1 <= number <= MAX_PARTS:
        raise context.refuse(f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive")
    return number


def complete_multipart_upload(context: Context, params: Params) -> Result:
    """Make the object of the parts."""
    refuse_unserved_parameters(context, params)
    bucket, key, blobs = bucket_of(context, params), params["Key"], context.service.blobs
    upload = blobs.get_upload(bucket, key, params["UploadId"])
    named = _read_named_parts(params)
    there = {part.number: part for part in blobs.list_parts(bucket, key, upload.id)}
    parts = [there[item["PartNumber"]] for item in named if item["PartNumber"] in there]
    checksums: dict[str, str] = {}
    if len(parts) == len(named):  # otherwise the store refuses
        _check_named_parts(params, named, parts)
        checksums = _combine(upload, parts)
        _check_whole(params, checksums)
    blob = blobs.complete_upload(
        bucket,
        key,
        upload.id,
        [(item["PartNumber"], item["ETag"].strip('"')) for item in named],
        checksums=checksums,
        replaces=read_replaced(context, params),
    )
    location = f"http://{context.host}/{bucket}/{quote(key)}"  # what speaks TLS for this server is not known here
    result: Result = {"Location": location, "Bucket": bucket, "Key": key, "ETag": f'"{blob.etag}"'}
    return result | describe_checksums(blob.checksums)


def _read_named_parts(params: Params) -> list[Result]:
    named: list[Result] = params.get("MultipartUpload", {}).get("Parts", [])
    if not named or not all({"PartNumber", "ETag"} <= part.keys() for part in named):
        raise ApiError("MalformedXML", "Every part needs its number and its ETag, and there must be one at least.")
    numbers = [part["PartNumber"] for part in named]
    if numbers != sorted(set(numbers)):
        raise ApiError("InvalidPartOrder", "The list of parts was not in ascending order.")
    return named


def _check_named_parts(params: Params, named: Sequence[Result], parts: Sequence[BlobPart]) -> None:
    """Compare what is said of the parts, besides their ETags, with what they are."""
    for item, part in zip(named, parts, strict=True):
        for algorithm, value in read_checksums(item).items():
            if part.checksums.get(algorithm, value) != value:
                raise ApiError("InvalidPart", f"Part {part.number} has another {algorithm.upper()} than {value}.")
    size = sum(part.size for part in parts)
    if params.get("MpuObjectSize", size) != size:
        raise ApiError("InvalidRequest", f"The parts have {size} bytes, not {params['MpuObjectSize']}.")


def _combine(upload: BlobUpload, parts: Sequence[BlobPart]) -> dict[str, str]:
    algorithm = upload.checksum_algorithm
    if not algorithm or not all(algorithm in part.checksums for part in parts):
        return {}
    pieces = [(part.checksums[algorithm], part.size) for part in parts]
    return {algorithm: combine_checksums(algorithm, upload.checksum_type, pieces)}


def _check_whole(params: Params, checksums: dict[str, str]) -> None:
    for algorithm, value in read_checksums(params).items():
        known = checksums.get(algorithm)
        if known is not None and known.partition("-")[0] != value.partition("-")[0]:
            message = f"The {algorithm.upper()} you specified did not match the calculated checksum."
            raise ApiError("BadDigest", message)


def abort_multipart_upload(context: Context, params: Params) -> Result:
    """Throw an upload away."""
    context.service.blobs.abort_upload(bucket_of(context, params), params["Key"], params["UploadId"])
    return {}


def list_parts(context: Context, params: Params) -> Result:
    """List the parts of an upload in the order of their numbers."""
    bucket, key, blobs = bucket_of(context, params), params["Key"], context.service.blobs
    upload = blobs.get_upload(bucket, key, params["UploadId"])
    after, size = int(params.get("PartNumberMarker", 0)), min(params.get("MaxParts", PAGE_SIZE_MAX), PAGE_SIZE_MAX)
    if size < 0:
        raise context.refuse("max-parts must not be negative.")
    parts = [part for part in blobs.list_parts(bucket, key, upload.id) if part.number > after]
    page = parts[:size]
    result: Result = {
        "Bucket": bucket,
        "Key": key,
        "UploadId": upload.id,
        "PartNumberMarker": after,
        "MaxParts": size,
        "IsTruncated": bool(page) and len(page) < len(parts),
        "Parts": [_describe_part(part) for part in page],
        "Owner": owner(context),
        "Initiator": owner(context),
        "StorageClass": STORAGE_CLASS,
        **describe_upload_checksum(upload),
    }
    return result | ({"NextPartNumberMarker": page[-1].number} if page else {})


def _describe_part(part: BlobPart) -> Result:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified_at,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **{checksum_member(algorithm): value for algorithm, value in part.checksums.items()},
    }
