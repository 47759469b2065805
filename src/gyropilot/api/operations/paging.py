"""Pages of lists: opaque tokens that say after what the next page begins, and fit only the question they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson

from gyropilot.api.operations.context import Context, Params
from gyropilot.service.ports import Position, Query, position_of
from gyropilot.service.records import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)
Key = tuple[Any, ...]
"""Where an item stands in a list: numbers and texts."""

DEFAULT_PAGE = 10
"""How many a page holds unless told: what AWS gives."""

NOT_THE_QUESTION = frozenset({"NextToken", "nextToken", "MaxResults", "limit"})
"""Parameters that may differ between the pages of one list."""

FILTERS = {
    "NameContains": "name_contains",
    "CreationTimeAfter": "created_after",
    "CreationTimeBefore": "created_before",
    "LastModifiedTimeAfter": "modified_after",
    "LastModifiedTimeBefore": "modified_before",
}
"""Parameters that select, and the query's words for them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def page_query(context: Context, params: Params, *, order_by: str, descending: bool) -> Query:
    """Return the query for the page that the parameters ask for, one record longer to see whether more follow."""
    return Query(
        states=frozenset({params["StatusEquals"]}) if "StatusEquals" in params else frozenset(),
        order_by=order_by,
        descending=descending,
        after=_read_position(context, params, order_by),
        limit=params.get("MaxResults", DEFAULT_PAGE) + 1,
        **{field: params[name] for name, field in FILTERS.items() if name in params},
    )


def find_page(
    context: Context, params: Params, find: Callable[[Query], Sequence[R]], query: Query
) -> tuple[Sequence[R], dict[str, str]]:
    """Return the records of a page, and the member with the token of the next one if there is one."""
    found = find(query)
    if query.limit is None or len(found) < query.limit:
        return found, {}
    page = found[: query.limit - 1]
    value, *names = astuple(position_of(page[-1], query.order_by))
    written = (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value
    return page, {"NextToken": make_token(context, params, (written, *names))}


def cut_page(
    context: Context,
    params: Params,
    items: Iterable[tuple[Key, T]],
    size: int,
    *,
    member: str = "NextToken",
    descending: bool = False,
) -> tuple[list[T], dict[str, str]]:
    """Return the page of a list that is at hand whole, and the member with the token of the next one if there is one.

    Args:
        context: the request's surroundings.
        params: the request's parameters.
        items: each with the key it is ordered by; no two have the same.
        size: how many the page holds.
        member: what the token is called.
        descending: whether the greatest key comes first.

    Raises:
        ApiError: when the token is not one of this list.
    """
    ordered = sorted(items, key=lambda item: item[0], reverse=descending)
    after = read_token(context, params, tuple(map(type, ordered[0][0])) if ordered else None, name=member)
    rest = (
        ordered
        if after is None
        else [(key, item) for key, item in ordered if (key < after if descending else key > after)]
    )
    page = rest[:size]
    more = {member: make_token(context, params, page[-1][0])} if len(rest) > size else {}
    return [item for _, item in page], more


def make_token(context: Context, params: Params, after: Key) -> str:
    """Return a token for the page that begins after this key in the list that the parameters describe."""
    return base64.urlsafe_b64encode(orjson.dumps([_digest(context, params), *after])).decode()


def read_token(context: Context, params: Params, types: Key | None = None, *, name: str = "NextToken") -> Key | None:
    """Return after which key the page begins; None: it is the first.

    Args:
        context: the request's surroundings.
        params: the request's parameters.
        types: what a key of the list consists of; None: the list is empty or has one page only.
        name: what the member is called.

    Raises:
        ApiError: when the token is not one of ours, or belongs to another list.
    """
    token = params.get(name)
    if token is None:
        return None
    try:
        digest, *after = orjson.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise context.refuse(f"The pagination token '{token}' is not valid.") from None
    if digest != _digest(context, params):
        raise context.refuse("The pagination token belongs to another list.")
    # Nothing keeps a caller from making up what comes after the digest.
    if types is not None and (tuple(map(type, after)) != types or not all(map(_is_plain, after))):
        raise context.refuse(f"The pagination token '{token}' is not valid.")
    return tuple(after)


def _read_position(context: Context, params: Params, order_by: str) -> Position | None:
    is_time = order_by.endswith("_at")
    after = read_token(context, params, (int if is_time else str, str, str))
    if after is None:
        return None
    value, name, parent = after
    try:
        return Position(_EPOCH + value * _MICROSECOND if is_time else value, name, parent)
    except OverflowError:
        raise context.refuse(f"The pagination token '{params['NextToken']}' is not valid.") from None


def _is_plain(item: object) -> bool:
    """Tell whether every store can compare with this: databases take no NUL in texts."""
    return not isinstance(item, str) or "\0" not in item


def _digest(context: Context, params: Params) -> str:
    question = {name: value for name, value in params.items() if name not in NOT_THE_QUESTION}
    text = orjson.dumps([context.aws_service, context.operation, question], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]
