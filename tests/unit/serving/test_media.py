from __future__ import annotations

import pytest

from gyropilot.serving.media import CSV, JSON, JSON_LINES, PARQUET, MediaTypeError, choose_incoming, choose_outgoing


@pytest.mark.parametrize(
    ("content_type", "chosen"),
    [
        ("text/csv", CSV),
        ("text/CSV", CSV),
        ("text/csv; header=present", CSV),
        ("application/octet-stream", CSV),
        ("", CSV),
        ("application/json;charset=utf-8", JSON),
        ("application/jsonlines", JSON_LINES),
        ("application/x-jsonlines", JSON_LINES),
        ("Application/X-Parquet", PARQUET),
        ("x-application/vnd.amazon+parquet", PARQUET),
    ],
)
def test_reads_content_types(content_type: str, chosen: str) -> None:
    assert choose_incoming(content_type) == chosen


def test_refuses_an_unknown_content_type_in_awss_words() -> None:
    with pytest.raises(MediaTypeError, match=r"^'image/png' is an unsupported content type\.$") as caught:
        choose_incoming("image/png")
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("accept", "default", "chosen"),
    [
        ("", CSV, CSV),
        ("*/*", CSV, CSV),
        ("*/*", JSON, JSON),
        ("image/png, application/json", CSV, JSON),
        ("application/jsonlines;q=0.1, text/csv;q=0.9", CSV, JSON_LINES),
        ("TEXT/CSV", JSON, CSV),
        ("image/png, */*", CSV, CSV),
        ("text/*", JSON, CSV),
    ],
)
def test_takes_the_first_type_that_it_can_write(accept: str, default: str, chosen: str) -> None:
    assert choose_outgoing(accept, default) == chosen


@pytest.mark.parametrize(("accept", "default"), [("image/png", CSV), ("", "application/x-recordio-protobuf")])
def test_refuses_what_it_cannot_write(accept: str, default: str) -> None:
    with pytest.raises(MediaTypeError, match="is not supported") as caught:
        choose_outgoing(accept, default)
    assert caught.value.status == 406
