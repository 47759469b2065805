"""The logs of jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from gyropilot.api.operations.context import Context, Params, Result
from gyropilot.api.operations.paging import cut_page, read_token
from gyropilot.service.ports import LogLine

DEFAULT_STREAMS = 50
MAX_EVENTS = 10_000
READ_LINES = 10_000

_TOKEN = re.compile(r"([fb])/(\d{1,18})")


def describe_log_streams(context: Context, params: Params) -> Result:
    """List the streams of a group by name, or by the time of their last line."""
    group = _group(context, params)
    names = list(context.service.logs.streams(group, prefix=params.get("logStreamNamePrefix", "")))
    streams = [_describe_stream(context, group, name) for name in names]
    if params.get("orderBy") == "LastEventTime":
        streams.sort(key=lambda stream: stream.get("lastEventTimestamp", 0))
    if params.get("descending"):
        streams.reverse()
    offset = read_token(context, params, "nextToken")
    page, more = cut_page(context, params, streams[offset:], offset, params.get("limit", DEFAULT_STREAMS))
    return {"logStreams": page} | ({"nextToken": more["NextToken"]} if more else {})


def _describe_stream(context: Context, group: str, name: str) -> Result:
    identity = context.service.identity
    arn = f"arn:aws:logs:{identity.region}:{identity.account_id}:log-group:{group}:log-stream:{name}"
    stream: Result = {"logStreamName": name, "arn": arn, "storedBytes": 0}
    if lines := _read_all(context, group, name):
        first, last = _milliseconds(lines[0].at), _milliseconds(lines[-1].at)
        stream |= {"creationTime": first, "firstEventTimestamp": first, "lastEventTimestamp": last}
        stream["lastIngestionTime"] = last
    return stream


def get_log_events(context: Context, params: Params) -> Result:
    """Give lines of a stream: from its end backwards unless told to begin at its head.

    The tokens count lines from the stream's head, so that a token at the end gives what was added since.
    """
    lines = _read_all(context, _group(context, params), params["logStreamName"])
    size = params.get("limit", MAX_EVENTS)
    first, last = _find_span(context, params, len(lines), size)
    page = [line for line in lines[first:last] if _is_wanted(line, params)]
    return {
        "events": [_describe_line(line) for line in page],
        "nextForwardToken": f"f/{last}",
        "nextBackwardToken": f"b/{first}",
    }


def _find_span(context: Context, params: Params, count: int, size: int) -> tuple[int, int]:
    token = params.get("nextToken")
    if token is None:
        return (0, min(size, count)) if params.get("startFromHead") else (max(count - size, 0), count)
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise context.refuse("The specified nextToken is invalid.")
    position = min(int(found.group(2)), count)
    if found.group(1) == "f":
        return position, min(position + size, count)
    return max(position - size, 0), position


def _is_wanted(line: LogLine, params: Params) -> bool:
    at = _milliseconds(line.at)
    return bool(params.get("startTime", at) <= at < params.get("endTime", at + 1))


def _describe_line(line: LogLine) -> Result:
    at = _milliseconds(line.at)
    return {"timestamp": at, "ingestionTime": at, "message": line.message}


def _read_all(context: Context, group: str, stream: str) -> Sequence[LogLine]:
    lines: list[LogLine] = []
    while page := context.service.logs.read(group, stream, start=len(lines), limit=READ_LINES):
        lines += page
    return lines


def _group(context: Context, params: Params) -> str:
    name = params.get("logGroupName") or params.get("logGroupIdentifier", "").rpartition("log-group:")[2]
    if not name:
        raise context.refuse("Either logGroupName or logGroupIdentifier must be provided.")
    return str(name)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
