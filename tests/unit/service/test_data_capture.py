"""What is kept of requests and answers, where, and when."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from gyropilot.service import data_capture
from gyropilot.service.data_capture import FILE_SECONDS, DataCapture
from gyropilot.service.endpoints import name_log_group
from gyropilot.service.invocations import Exchange, Invocation
from gyropilot.service.ports import Answer
from gyropilot.service.records import Capture, Endpoint, Variant
from gyropilot.service.states import EndpointStatus
from tests.unit.service.house import BEGINNING, House

BOTH = Capture(
    percentage=100,
    destination="s3://data/captured",
    captures_input=True,
    captures_output=True,
    csv_types=("text/csv",),
    json_types=("application/json",),
)
KEY = re.compile(r"captured/live/all/2026/01/01/00/00-00-000-[0-9a-f-]{36}\.jsonl")


@pytest.fixture
def capture(house: House) -> DataCapture:
    return house.service.capture


def exchange(capture: Capture | None = BOTH, body: bytes = b"1,2\n", status: int = 200, **headers: str) -> Exchange:
    endpoint = Endpoint(
        name="live",
        status=EndpointStatus.IN_SERVICE,
        config="c",
        variants=(Variant(name="all", model="m"),),
        containers={},
        capture=capture,
        created_at=BEGINNING,
        modified_at=BEGINNING,
    )
    sent = {"content-type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Exchange(
        endpoint=endpoint,
        variant="all",
        invocation=Invocation(endpoint="live", body=body, headers=sent),
        answer=Answer(status=status, headers={"content-type": "text/csv; charset=utf-8"}, body=b"yes\n"),
        status=status,
        model_seconds=0.1,
        seconds=0.2,
    )


def read(house: House) -> list[tuple[str, list[Any]]]:
    """Return the files with their lines."""
    files = []
    for blob in house.blobs.list("data", prefix="captured/").blobs:
        with house.blobs.open("data", blob.key) as (_, content):
            files.append((blob.key, [json.loads(line) for line in content.read().splitlines()]))
    return files


def test_a_line_has_the_form_that_model_monitors_read(house: House, capture: DataCapture) -> None:
    capture.note(exchange(x_amzn_sagemaker_inference_id="id-1", x_amzn_sagemaker_custom_attributes="trace=1"))
    capture.write(everything=True)
    ((key, (line,)),) = read(house)
    assert KEY.fullmatch(key)
    event_id = line["eventMetadata"].pop("eventId")
    assert len(event_id) == 36
    assert line == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "yes\n",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "inferenceTime": "2026-01-01T00:00:00Z",
            "customAttributes": ["trace=1"],
            "inferenceId": "id-1",
        },
        "eventVersion": "0",
    }


@pytest.mark.parametrize(
    ("kind", "body", "encoding"),
    [
        ("text/CSV; header=present", b"1\n", "CSV"),
        ("application/json", b"{}", "JSON"),
        ("application/x-parquet", b"PAR1", "BASE64"),
        ("text/csv", b"\xff", "BASE64"),
    ],
)
def test_what_is_not_listed_or_no_text_is_in_base64(
    house: House, capture: DataCapture, kind: str, body: bytes, encoding: str
) -> None:
    capture.note(exchange(body=body, content_type=kind))
    capture.write(everything=True)
    found = read(house)[0][1][0]["captureData"]["endpointInput"]
    assert (found["encoding"], found["observedContentType"]) == (encoding, kind)
    assert found["data"] == (base64.b64encode(body).decode() if encoding == "BASE64" else body.decode())


@pytest.mark.parametrize("ways", [(True, False), (False, True)])
def test_either_side_may_be_left_out(house: House, capture: DataCapture, ways: tuple[bool, bool]) -> None:
    only = Capture(percentage=100, destination="s3://data/captured", captures_input=ways[0], captures_output=ways[1])
    capture.note(exchange(only))
    capture.write(everything=True)
    assert list(read(house)[0][1][0]["captureData"]) == ["endpointInput" if ways[0] else "endpointOutput"]


def test_a_share_is_drawn_and_errors_and_other_endpoints_are_not_kept(house: House, capture: DataCapture) -> None:
    half = Capture(percentage=50, destination="s3://data/captured", captures_input=True, captures_output=True)
    off = Capture(
        is_enabled=False, percentage=100, destination="s3://data/captured", captures_input=True, captures_output=True
    )
    for _ in range(400):
        capture.note(exchange(half))
    for unwanted in (exchange(None), exchange(off), exchange(status=400)):
        capture.note(unwanted)
    capture.write(everything=True)
    ((_, lines),) = read(house)
    assert 150 <= len(lines) <= 250, "400 draws at 0.5 have a standard deviation of 10"


def test_a_file_is_written_when_it_is_old_or_long_enough(
    house: House, capture: DataCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture.note(exchange())
    house.clock.advance(FILE_SECONDS - 1)
    capture.write()
    assert read(house) == []
    house.clock.advance(1)
    capture.write()
    assert [len(lines) for _, lines in read(house)] == [1]
    monkeypatch.setattr(data_capture, "FILE_BYTES", 16)
    capture.note(exchange())
    capture.write()
    assert len(read(house)) == 1
    capture.note(exchange())
    capture.write()
    assert sorted(len(lines) for _, lines in read(house)) == [1, 2]


def test_what_cannot_be_written_is_told_and_tried_again(house: House, capture: DataCapture) -> None:
    elsewhere = Capture(percentage=100, destination="s3://gone/captured", captures_input=True, captures_output=True)
    capture.note(exchange(elsewhere))
    capture.write(everything=True)
    (line,) = house.logs.read(name_log_group("live"), "all/data-capture")
    assert line.message.startswith("1 captured requests could not be written to s3://gone/captured/live/all/2026/")
    house.blobs.create_bucket("gone")
    capture.note(exchange(elsewhere))
    capture.write(everything=True)
    assert len(house.blobs.list("gone").blobs) == 1


def test_memory_is_bounded(house: House, capture: DataCapture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_capture, "MAX_BYTES", 20)
    for _ in range(4):
        capture.note(exchange())
    capture.write(everything=True)
    assert [len(lines) for _, lines in read(house)] == [2]
    capture.note(exchange())
    capture.write(everything=True)
    assert sum(len(lines) for _, lines in read(house)) == 3
