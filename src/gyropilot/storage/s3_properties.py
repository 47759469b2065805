"""Properties of objects as S3's clients write and read them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from gyropilot.service.ports import Blob, BlobProperties

_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "expires": "Expires",
}
_ALGORITHMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256", "sha512", "md5")
_ENCODED_WORD = re.compile(r"=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=", re.IGNORECASE)
"""RFC 2047, as S3 itself writes metadata that is not ASCII."""


def write_properties(properties: BlobProperties) -> dict[str, Any]:
    """Return the keywords of a writing call, without checksums."""
    stated: dict[str, Any] = {"ContentType": properties.content_type}
    stated |= {_HEADERS[name]: value for name, value in properties.headers.items() if name != "expires"}
    if "expires" in properties.headers:
        stated["Expires"] = parsedate_to_datetime(properties.headers["expires"])
    if properties.metadata:
        stated["Metadata"] = {name: _write_text(value) for name, value in properties.metadata.items()}
    if properties.tags:
        stated["Tagging"] = "&".join(f"{quote(name)}={quote(value)}" for name, value in properties.tags.items())
    return stated


def read_blob(bucket: str, key: str, answer: Mapping[str, Any], tags: Mapping[str, str]) -> Blob:
    """Return the object that an answer to `HeadObject` tells of."""
    headers = {name: answer[member] for name, member in _HEADERS.items() if member in answer and name != "expires"}
    if "Expires" in answer:
        headers["expires"] = format_datetime(answer["Expires"], usegmt=True)
    return Blob(
        bucket=bucket,
        key=key,
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        modified_at=answer["LastModified"],
        content_type=answer.get("ContentType", "binary/octet-stream"),
        headers=headers,
        metadata={name.lower(): _read_text(value) for name, value in answer.get("Metadata", {}).items()},
        tags=dict(tags),
        checksums=read_checksums(answer),
    )


def write_checksums(checksums: Mapping[str, str]) -> dict[str, str]:
    """Return the keywords of a writing call that state checksums."""
    return {f"Checksum{algorithm.upper()}": value for algorithm, value in checksums.items()}


def read_checksums(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums of an answer, by algorithm."""
    members = {algorithm: f"Checksum{algorithm.upper()}" for algorithm in _ALGORITHMS}
    return {algorithm: answer[member] for algorithm, member in members.items() if member in answer}


def _write_text(text: str) -> str:
    return text if text.isascii() else f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _read_text(text: str) -> str:
    return _ENCODED_WORD.sub(lambda word: base64.b64decode(word[1]).decode(errors="replace"), text)
