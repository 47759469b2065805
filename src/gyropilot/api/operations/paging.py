"""Pages of lists: opaque tokens that fit only the question they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from gyropilot.api.operations.context import Context, Params
from gyropilot.service.ports import Query
from gyropilot.service.records import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)

DEFAULT_PAGE = 10
"""How many a page holds unless told: what AWS gives."""

NOT_THE_QUESTION = frozenset({"NextToken", "nextToken", "MaxResults", "limit"})
"""Parameters that may differ between the pages of one list."""


def page_query(context: Context, params: Params, **fixed: Any) -> Query:
    """Return the query for the page that the parameters ask for, one record longer to see whether more follow."""
    names = {
        "NameContains": "name_contains",
        "CreationTimeAfter": "created_after",
        "CreationTimeBefore": "created_before",
        "LastModifiedTimeAfter": "modified_after",
        "LastModifiedTimeBefore": "modified_before",
    }
    filters = {field: params[name] for name, field in names.items() if name in params}
    states = frozenset({params["StatusEquals"]}) if "StatusEquals" in params else frozenset()
    limit = params.get("MaxResults", DEFAULT_PAGE) + 1
    return Query(states=states, offset=read_token(context, params), limit=limit, **filters, **fixed)


def find_page(
    context: Context, params: Params, find: Callable[[Query], Sequence[R]], query: Query
) -> tuple[Sequence[R], dict[str, str]]:
    """Return the records of a page, and the member with the token of the next one if there is one."""
    return cut_page(context, params, find(query), query.offset, (query.limit or DEFAULT_PAGE + 1) - 1)


def cut_page(
    context: Context, params: Params, found: Sequence[T], offset: int, size: int
) -> tuple[Sequence[T], dict[str, str]]:
    """Return the first `size` of what was found, and the member with the next token if more was found."""
    if len(found) <= size:
        return found, {}
    return found[:size], {"NextToken": make_token(context, params, offset + size)}


def make_token(context: Context, params: Params, offset: int) -> str:
    """Return a token for the page that begins at `offset` of the list that the parameters describe."""
    return base64.urlsafe_b64encode(orjson.dumps([offset, _digest(context, params)])).decode()


def read_token(context: Context, params: Params, name: str = "NextToken") -> int:
    """Return where the page begins.

    Raises:
        ApiError: when the token is not one of ours, or belongs to another list.
    """
    token = params.get(name)
    if token is None:
        return 0
    try:
        offset, digest = orjson.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise context.refuse(f"The pagination token '{token}' is not valid.") from None
    if digest != _digest(context, params) or not isinstance(offset, int) or offset < 0:
        raise context.refuse("The pagination token belongs to another list.")
    return offset


def _digest(context: Context, params: Params) -> str:
    question = {name: value for name, value in params.items() if name not in NOT_THE_QUESTION}
    text = orjson.dumps([context.aws_service, question], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]
