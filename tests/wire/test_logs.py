"""CloudWatch Logs, with boto3 at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyropilot.service.ports import LogLine
from tests.wire.installation import Installation, run_installation
from tests.wire.requests import refused

START = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "/aws/sagemaker/AutoMLJobs"


def at(second: int) -> int:
    return int(START.timestamp() + second) * 1000


@pytest.fixture(scope="module")
def filled() -> Iterator[Installation]:
    """Give two streams whose lines take turns, one line per second."""
    with run_installation() as installation:
        for stream, offset in (("even", 0), ("odd", 1)):
            lines = [
                LogLine(
                    at=START + timedelta(seconds=2 * turn + offset), message=f"line {2 * turn + offset} of {stream}"
                )
                for turn in range(3)
            ]
            installation.service.logs.append(GROUP, stream, lines)
        installation.service.logs.append("/other", "stream", [LogLine(at=START, message="elsewhere")])
        yield installation


def test_a_log_is_read_from_either_end(filled: Installation) -> None:
    logs = filled.client("logs")
    filled.service.jobs.log("logged", [f"line {number}" for number in range(5)])
    streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="log", orderBy="LogStreamName")
    assert [stream["logStreamName"] for stream in streams["logStreams"]] == ["logged"]
    where = {"logGroupName": GROUP, "logStreamName": "logged"}
    first = logs.get_log_events(**where, startFromHead=True, limit=3)
    assert [event["message"] for event in first["events"]] == ["line 0", "line 1", "line 2"]
    rest = logs.get_log_events(**where, nextToken=first["nextForwardToken"])
    assert [event["message"] for event in rest["events"]] == ["line 3", "line 4"]
    assert logs.get_log_events(**where, nextToken=rest["nextForwardToken"])["events"] == []
    assert [event["message"] for event in logs.get_log_events(**where, limit=1)["events"]] == ["line 4"]
    assert logs.get_log_events(**where, startTime=2**41 * 1000)["events"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_log_streams(logGroupName="/aws/sagemaker/TransformJobs")


@pytest.mark.parametrize(
    ("question", "seconds"),
    [
        ({"startTime": at(2), "startFromHead": True, "limit": 1}, [2]),
        ({"endTime": at(4), "limit": 1}, [2]),
        ({"startTime": at(2), "endTime": at(4)}, [2]),
        ({"startTime": at(5)}, []),
    ],
)
def test_limits_count_the_lines_of_the_time_asked_for(
    filled: Installation, question: dict[str, Any], seconds: list[int]
) -> None:
    found = filled.client("logs").get_log_events(logGroupName=GROUP, logStreamName="even", **question)
    assert [event["timestamp"] for event in found["events"]] == [at(second) for second in seconds]


@pytest.mark.parametrize("read_at_once", [1, 2, 10_000])
def test_a_log_is_followed_forward_page_by_page(
    filled: Installation, monkeypatch: pytest.MonkeyPatch, read_at_once: int
) -> None:
    monkeypatch.setattr("gyropilot.api.operations.logs.READ_LINES", read_at_once)
    where = {"logGroupName": GROUP, "logStreamName": "even", "startFromHead": True, "limit": 2, "startTime": at(0)}
    logs = filled.client("logs")
    pages = [logs.get_log_events(**where)]
    while not pages[1:] or pages[-1]["nextForwardToken"] != pages[-2]["nextForwardToken"]:
        pages.append(logs.get_log_events(**where, nextToken=pages[-1]["nextForwardToken"]))
    assert [event["timestamp"] for page in pages for event in page["events"]] == [at(0), at(2), at(4)]
    back = logs.get_log_events(**where, nextToken=pages[-1]["nextBackwardToken"])
    assert [event["timestamp"] for event in back["events"]] == [at(2), at(4)]


def test_groups_are_listed(filled: Installation) -> None:
    logs = filled.client("logs")
    group = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker")["logGroups"]
    assert [found["logGroupName"] for found in group] == [GROUP]
    assert group[0]["logGroupArn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"
    assert logs.describe_log_groups(logGroupIdentifiers=[group[0]["logGroupArn"]])["logGroups"] == group
    assert [found["logGroupName"] for found in logs.describe_log_groups(logGroupNamePattern="the")["logGroups"]] == [
        "/other"
    ]
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [found["logGroupName"] for page in pages for found in page["logGroups"]] == [GROUP, "/other"]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.describe_log_groups(logGroupNamePrefix="/", logGroupNamePattern="a")


def test_streams_are_listed_by_name_and_by_time(filled: Installation) -> None:
    logs = filled.client("logs")
    for question, names in (
        ({}, ["even", "odd"]),
        ({"descending": True}, ["odd", "even"]),
        ({"orderBy": "LastEventTime"}, ["even", "odd"]),
        ({"orderBy": "LastEventTime", "descending": True}, ["odd", "even"]),
    ):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=GROUP, PaginationConfig={"PageSize": 1}, **question
        )
        found = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        assert [name for name in found if name in ("even", "odd")] == names


@pytest.mark.parametrize(
    ("question", "seconds"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"startFromHead": False}, [5, 4, 3, 2, 1, 0]),
        ({"startTime": at(1), "endTime": at(3)}, [1, 2, 3]),
        ({"logStreamNames": ["odd"]}, [1, 3, 5]),
        ({"filterPattern": "line odd"}, [1, 3, 5]),
        ({"filterPattern": '"of even" -4'}, [0, 2]),
        ({"filterPattern": '?"line 1" ?"line 4"'}, [1, 4]),
        ({"filterPattern": "LINE"}, []),
    ],
)
def test_lines_of_all_streams_are_filtered(filled: Installation, question: dict[str, Any], seconds: list[int]) -> None:
    names = {"logStreamNames": ["even", "odd"]} | question
    pages = (
        filled.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 2}, **names)
    )
    events = [event for page in pages for event in page["events"]]
    assert [event["timestamp"] for event in events] == [at(second) for second in seconds]
    assert len({event["eventId"] for event in events}) == len(events)
    assert all(event["message"].endswith(event["logStreamName"]) for event in events)


def test_a_prefix_chooses_streams(filled: Installation) -> None:
    events = filled.client("logs").filter_log_events(logGroupName=GROUP, logStreamNamePrefix="ev")["events"]
    assert {event["logStreamName"] for event in events} == {"even"}


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        ({"filterPattern": "{ $.a = 1 }"}, "InvalidParameterException", "does not support filter patterns of JSON"),
        ({"filterPattern": 'a "b'}, "InvalidParameterException", "must stand in quotation marks"),
        ({"nextToken": "nonsense"}, "InvalidParameterException", "pagination token"),
        ({"logStreamNames": ["none"]}, "ResourceNotFoundException", "does not exist: none"),
        ({"logStreamNames": ["odd"], "logStreamNamePrefix": "o"}, "InvalidParameterException", "mutually exclusive"),
    ],
)
def test_what_cannot_be_filtered(filled: Installation, question: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ClientError) as error:
        filled.client("logs").filter_log_events(logGroupName=GROUP, **question)
    assert refused(error)[0] == code
    assert words in refused(error)[1]
