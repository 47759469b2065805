"""What requests state about objects and answers tell of them: headers, metadata, tags, checksums."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from gyropilot.api.checksums import CHECKSUMS
from gyropilot.api.errors import ApiError
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.protocols.scalars import format_timestamp, parse_timestamp
from gyropilot.service.ports import Blob, BlobProperties

HEADERS: Mapping[str, str] = {
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "Expires": "expires",
}
"""Members of requests and answers that are kept as headers."""

OVERRIDES: Mapping[str, str] = {f"Response{member}": member for member in ("ContentType", *HEADERS)}
"""Parameters of a reading request that take the place of what its writer stated."""

UNSERVED = frozenset(
    {
        "BucketKeyEnabled",
        "GrantFullControl",
        "GrantRead",
        "GrantReadACP",
        "GrantWrite",
        "GrantWriteACP",
        "ObjectLockEventHold",
        "ObjectLockEventHoldDurationDays",
        "ObjectLockEventHoldDurationYears",
        "ObjectLockLegalHoldStatus",
        "ObjectLockMode",
        "ObjectLockRetainUntilDate",
        "SSECustomerAlgorithm",
        "SSECustomerKey",
        "CopySourceSSECustomerAlgorithm",
        "CopySourceSSECustomerKey",
        "WebsiteRedirectLocation",
        "WriteOffsetBytes",
    }
)
"""Parameters that promise what is not done here."""

METADATA_BYTES_MAX = 2048
OBJECT_TAGS_MAX = 10
BUCKET_TAGS_MAX = 50


def refuse_unserved_parameters(context: Context, params: Params) -> None:
    """Refuse parameters that promise what is not done here, instead of breaking the promise.

    Raises:
        ApiError: when there is one.
    """
    for name in UNSERVED & params.keys():
        raise context.refuse_unserved(f"S3 requests with {name}")
    if params.get("ACL", "private") not in ("private", "bucket-owner-full-control"):
        raise context.refuse_unserved(f"the access list {params['ACL']}")


def read_properties(params: Params, checksums: Mapping[str, str] | None = None) -> BlobProperties:
    """Return what a writing request states.

    Raises:
        ApiError: when the metadata is too long or the tags break a rule.
    """
    metadata: dict[str, str] = params.get("Metadata", {})
    if sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) > METADATA_BYTES_MAX:
        raise ApiError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return BlobProperties(
        content_type=params.get("ContentType", "binary/octet-stream"),
        headers=_read_headers(params),
        metadata=metadata,
        tags=read_tag_query(params.get("Tagging", "")),
        checksums=checksums if checksums is not None else {},
    )


def _read_headers(params: Params) -> dict[str, str]:
    headers = {header: params[member] for member, header in HEADERS.items() if params.get(member)}
    if "expires" in headers:
        headers["expires"] = str(format_timestamp(headers["expires"], "rfc822"))
    return headers


def describe_properties(blob: Blob, params: Params) -> Result:
    """Return the members of an answer that tell what the writer stated, as far as the request does not override it."""
    result: Result = {"ContentType": blob.content_type, "Metadata": dict(blob.metadata)}
    result |= {member: blob.headers[header] for member, header in HEADERS.items() if header in blob.headers}
    result |= {member: params[name] for name, member in OVERRIDES.items() if name in params}
    if isinstance(result.get("Expires"), str):
        result["Expires"] = parse_timestamp(result["Expires"])
    return result | ({"TagCount": len(blob.tags)} if blob.tags else {})


# --- checksums --------------------------------------------------------------------------------------------------------


def checksum_member(algorithm: str) -> str:
    """Return the name of the member for a checksum, such as `ChecksumCRC32`."""
    return f"Checksum{algorithm.upper()}"


def describe_checksums(checksums: Mapping[str, str]) -> Result:
    """Return the members of an answer that hold checksums."""
    result: Result = {checksum_member(algorithm): value for algorithm, value in checksums.items()}
    if result:
        composite = any("-" in value for value in checksums.values())
        result["ChecksumType"] = "COMPOSITE" if composite else "FULL_OBJECT"
    return result


def read_checksums(params: Params) -> dict[str, str]:
    """Return the checksums that a request or a part of its document names, by algorithm."""
    members = {algorithm: checksum_member(algorithm) for algorithm in CHECKSUMS}
    return {algorithm: params[member] for algorithm, member in members.items() if member in params}


# --- tags -------------------------------------------------------------------------------------------------------------


def read_tag_query(text: str) -> dict[str, str]:
    """Return the tags of a header, written as in the query of a URL.

    Raises:
        ApiError: when they break a rule.
    """
    return check_tags(parse_qsl(text, keep_blank_values=True), most=OBJECT_TAGS_MAX)


def read_tag_set(params: Params, *, most: int) -> dict[str, str]:
    """Return the tags of a document.

    Raises:
        ApiError: when they break a rule.
    """
    return check_tags([(tag["Key"], tag["Value"]) for tag in params["Tagging"]["TagSet"]], most=most)


def write_tag_set(tags: Mapping[str, str]) -> Result:
    """Return tags as a document has them."""
    return {"TagSet": [{"Key": name, "Value": value} for name, value in sorted(tags.items())]}


def check_tags(pairs: list[tuple[str, str]], *, most: int) -> dict[str, str]:
    """Return tags by name once they are found right.

    Raises:
        ApiError: when there are too many, one is named twice, or a name or value is too long.
    """
    tags = dict(pairs)
    if len(pairs) > most:
        raise ApiError("BadRequest", f"There cannot be more than {most} tags, not {len(pairs)}.")
    if len(tags) < len(pairs):
        raise ApiError("InvalidTag", "Cannot provide multiple Tags with the same key")
    for name, value in pairs:
        if not 1 <= len(name) <= 128:
            raise ApiError("InvalidTag", f"The TagKey you have provided is invalid: 1 to 128 characters, not {name!r}")
        if len(value) > 256:
            raise ApiError("InvalidTag", f"The TagValue of {name!r} is invalid: at most 256 characters")
    return tags
