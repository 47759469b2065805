"""The conditions of requests: `If-Match` and its kin, of HTTP and of S3."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from gyropilot.api.errors import ApiError
from gyropilot.api.operations.context import Context, Params
from gyropilot.service.ports import Blob


def check_conditions(blob: Blob, params: Params, *, prefix: str = "") -> None:
    """Check the conditions of a reading request, in HTTP's order.

    Args:
        blob: what there is.
        params: the request's parameters.
        prefix: what the parameters' names begin with; conditions of a copy's source have one, and are never answered
            with "not modified".

    Raises:
        ApiError: with status 304 or 412 when one is not met.
    """
    moment = blob.modified_at.replace(microsecond=0)
    unmodified = 412 if prefix else 304
    if (tags := params.get(f"{prefix}IfMatch")) is not None:
        _require(_names(tags, blob.etag), 412)
    elif (since := params.get(f"{prefix}IfUnmodifiedSince")) is not None:
        _require(moment <= cast("datetime", since), 412)
    if (tags := params.get(f"{prefix}IfNoneMatch")) is not None:
        _require(not _names(tags, blob.etag), unmodified)
    elif (since := params.get(f"{prefix}IfModifiedSince")) is not None:
        _require(moment > cast("datetime", since), unmodified)


def read_replaced(context: Context, params: Params) -> str | None:
    """Return the ETag of the object that a writing request may replace; empty: none; None: whichever.

    Raises:
        ApiError: for a condition that S3 does not have.
    """
    if "IfNoneMatch" in params:
        if params["IfNoneMatch"] != "*" or "IfMatch" in params:
            raise context.refuse_unserved("writing with If-None-Match other than *, or together with If-Match,")
        return ""
    if params.get("IfMatch", "").strip() == "*":
        raise context.refuse_unserved("writing with If-Match: *")
    return read_etag(params)


def read_etag(params: Params) -> str | None:
    """Return the ETag that an object must have to be changed; None: any."""
    etag = params.get("IfMatch")
    return None if etag is None or etag.strip() == "*" else str(etag).strip().strip('"')


def _names(tags: str, etag: str) -> bool:
    named = {tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")}
    return bool({etag, "*"} & named)


def _require(is_met: bool, status: int) -> None:  # the condition reads as the first argument
    if not is_met and status == 304:  # HTTP: not modified
        raise ApiError("NotModified", "Not Modified", status)
    if not is_met:
        raise ApiError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", status)
