"""The logs of jobs."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice
from operator import itemgetter

from gyropilot.api.documents.filter_patterns import parse_filter_pattern
from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import Key, cut_page, read_token
from gyropilot.service.ports import LogLine

DEFAULT_PAGE = 50
MAX_EVENTS = 10_000
READ_LINES = 10_000
LAST_NUMBER = 10**18 - 1
"""As large as a token's number can be: no stream has so many lines."""

_TOKEN = re.compile(r"([fb])/(\d{1,18})")


def describe_log_groups(context: Context, params: Params) -> Result:
    """List the groups by name."""
    if "logGroupNamePrefix" in params and "logGroupNamePattern" in params:
        raise context.refuse("logGroupNamePrefix and logGroupNamePattern are mutually exclusive.")
    pattern, wanted = params.get("logGroupNamePattern", ""), params.get("logGroupIdentifiers")
    names = [
        name
        for name in context.service.logs.groups(prefix=params.get("logGroupNamePrefix", ""))
        if pattern in name and (wanted is None or name in {_name_in(identifier) for identifier in wanted})
    ]
    if params.get("logGroupClass", "STANDARD") != "STANDARD":
        names = []
    keyed = (((name,), name) for name in names)
    page, more = cut_page(context, params, keyed, params.get("limit", DEFAULT_PAGE), member="nextToken")
    return {"logGroups": [_describe_group(context, name) for name in page], **more}


def _describe_group(context: Context, name: str) -> Result:
    arn = _arn(context, name)
    return {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn, "logGroupClass": "STANDARD"}


def describe_log_streams(context: Context, params: Params) -> Result:
    """List the streams of a group by name, or by the time of their last line."""
    group = _group(context, params)
    names = list(context.service.logs.streams(group, prefix=params.get("logStreamNamePrefix", "")))
    by_time = params.get("orderBy") == "LastEventTime"
    keyed = (((_last_time(context, group, name) if by_time else 0, name), name) for name in names)
    size, descending = params.get("limit", DEFAULT_PAGE), params.get("descending", False)
    page, more = cut_page(context, params, keyed, size, member="nextToken", descending=descending)
    return {"logStreams": [_describe_stream(context, group, name) for name in page], **more}


def _last_time(context: Context, group: str, name: str) -> int:
    span = context.service.logs.span(group, name)
    return _milliseconds(span.last_at) if span is not None else 0


def _describe_stream(context: Context, group: str, name: str) -> Result:
    stream: Result = {"logStreamName": name, "arn": f"{_arn(context, group)}:log-stream:{name}", "storedBytes": 0}
    if span := context.service.logs.span(group, name):
        first, last = _milliseconds(span.first_at), _milliseconds(span.last_at)
        stream |= {"creationTime": first, "firstEventTimestamp": first, "lastEventTimestamp": last}
        stream["lastIngestionTime"] = last
    return stream


def get_log_events(context: Context, params: Params) -> Result:
    """Give lines of a stream: from its end backwards unless told to begin at its head.

    The tokens count lines from the stream's head, so that a token at the end gives what was added since; only that is
    read then, however long the stream is.
    """
    group, stream = _group(context, params), params["logStreamName"]
    token = params.get("nextToken") or ("f/0" if params.get("startFromHead") else f"b/{LAST_NUMBER}")
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise context.refuse("The specified nextToken is invalid.")
    position = int(found.group(2))
    if found.group(1) == "f":
        first, last, lines = _look_ahead(context, group, stream, position, params)
    else:
        first, last, lines = _look_back(_read_all(context, group, stream)[:position], params)
    return {
        "events": [_describe_line(line) for line in lines],
        "nextForwardToken": f"f/{last}",
        "nextBackwardToken": f"b/{first}",
    }


def _look_ahead(
    context: Context, group: str, stream: str, first: int, params: Params
) -> tuple[int, int, Sequence[LogLine]]:
    """Return from which to before which line a page goes that begins with a line, and what is wanted of it."""
    size = params.get("limit", MAX_EVENTS)
    wanted: list[LogLine] = []
    end = last = first
    is_through = False
    while not is_through:
        page = context.service.logs.read(group, stream, start=end, limit=READ_LINES)
        for line in page:
            end += 1
            if not _is_wanted(line, params):
                continue
            if len(wanted) == size:
                return first, last, wanted
            wanted.append(line)
            last = end
        is_through = len(page) < READ_LINES
    return first, end, wanted


def _look_back(lines: Sequence[LogLine], params: Params) -> tuple[int, int, Sequence[LogLine]]:
    """Return from which to before which line the page goes that ends a stream of these lines, and what is wanted."""
    size = params.get("limit", MAX_EVENTS)
    wanted = [number for number, line in enumerate(lines) if _is_wanted(line, params)]
    first = wanted[-size] if len(wanted) > size else 0
    return first, len(lines), [lines[number] for number in wanted[-size:]]


def _is_wanted(line: LogLine, params: Params) -> bool:
    at = _milliseconds(line.at)
    return bool(params.get("startTime", at) <= at < params.get("endTime", at + 1))


def filter_log_events(context: Context, params: Params) -> Result:
    """Give the lines of all streams of a group, or of some, that hold the wanted words, in the order of their times."""
    size = params.get("limit", MAX_EVENTS)
    after = read_token(context, params, (int, str, int), name="nextToken")
    parse_filter_pattern(params.get("filterPattern", ""))  # refused also where no stream is read
    found = ((key, event) for key, event in _merge_streams(context, params, after) if after is None or key > after)
    page, more = cut_page(context, params, islice(found, size + 1), size, member="nextToken")
    return {"events": page, "searchedLogStreams": [], **more}


def _merge_streams(context: Context, params: Params, after: Key | None) -> Iterator[tuple[Key, Result]]:
    """Yield the wanted lines in order; a stream is read when its turn comes, those that come later are not."""
    waiting = deque(sorted(_line_up(context, params, after)))
    heads: list[tuple[Key, Result, Iterator[tuple[Key, Result]]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[0][0] <= heads[0][0][0]):
            _push(heads, iter(sorted(_find_events(context, params, waiting.popleft()[1]), key=itemgetter(0))))
        if heads:
            key, event, rest = heappop(heads)
            yield key, event
            _push(heads, rest)


def _push(heads: list[tuple[Key, Result, Iterator[tuple[Key, Result]]]], events: Iterator[tuple[Key, Result]]) -> None:
    for key, event in events:
        heappush(heads, (key, event, events))  # no two keys are the same: nothing else is compared
        return


def _line_up(context: Context, params: Params, after: Key | None) -> Iterator[tuple[int, str]]:
    """Yield when the turn of each stream comes, and its name, of those that can have wanted lines."""
    group = _group(context, params)
    for stream in _find_streams(context, params, group):
        span = context.service.logs.span(group, stream)
        if span is None:
            continue
        first, last = _milliseconds(span.first_at), _milliseconds(span.last_at)
        if params.get("startTime", last) > last or params.get("endTime", first) < first:
            continue
        begins, ends = (first, last) if _sign(params) > 0 else (-last, -first)
        if after is None or ends >= after[0]:
            yield begins, stream


def _find_events(context: Context, params: Params, stream: str) -> Iterator[tuple[Key, Result]]:
    pattern = parse_filter_pattern(params.get("filterPattern", ""))
    sign = _sign(params)
    for number, line in enumerate(_read_all(context, _group(context, params), stream)):
        at = _milliseconds(line.at)
        if params.get("startTime", at) <= at <= params.get("endTime", at) and pattern.matches(line.message):
            event = {"logStreamName": stream, "eventId": f"{at:014}/{number}/{stream}", **_describe_line(line)}
            yield (sign * at, stream, sign * number), event


def _sign(params: Params) -> int:
    return 1 if params.get("startFromHead", True) else -1


def _find_streams(context: Context, params: Params, group: str) -> Sequence[str]:
    if "logStreamNames" not in params:
        return context.service.logs.streams(group, prefix=params.get("logStreamNamePrefix", ""))
    if "logStreamNamePrefix" in params:
        raise context.refuse("logStreamNames and logStreamNamePrefix are mutually exclusive.")
    return tuple(dict.fromkeys(params["logStreamNames"]))


def _describe_line(line: LogLine) -> Result:
    at = _milliseconds(line.at)
    return {"timestamp": at, "ingestionTime": at, "message": line.message}


def _read_all(context: Context, group: str, stream: str) -> Sequence[LogLine]:
    lines: list[LogLine] = []
    while page := context.service.logs.read(group, stream, start=len(lines), limit=READ_LINES):
        lines += page
    return lines


def _group(context: Context, params: Params) -> str:
    name = params.get("logGroupName") or _name_in(params.get("logGroupIdentifier", ""))
    if not name:
        raise context.refuse("Either logGroupName or logGroupIdentifier must be provided.")
    return str(name)


def _name_in(identifier: str) -> str:
    """Return the name in a group's identifier, which is the name itself or an ARN."""
    return identifier.rpartition("log-group:")[2].removesuffix(":*")


def _arn(context: Context, group: str) -> str:
    identity = context.service.identity
    return f"arn:aws:logs:{identity.region}:{identity.account_id}:log-group:{group}"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
