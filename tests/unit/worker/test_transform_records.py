from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyropilot.engine.errors import RequestError
from gyropilot.service.errors import InvalidRequestError
from gyropilot.worker.transform import records
from gyropilot.worker.transform.records import read_batches
from tests.unit.worker.transforming import plan_for, read, records_of

LINES = plan_for()
WHOLE = plan_for(splits_lines=False)
JSON_LINES = plan_for(content_type="application/jsonlines")


def test_each_line_is_a_record() -> None:
    assert records_of(b'1,a\n\n2,"b, c"\r\n3,d\n\n', LINES) == [
        (1, ["1", "a"]),
        (2, []),
        (3, ["2", "b, c"]),
        (4, ["3", "d"]),
    ]


def test_a_mark_of_byte_order_is_no_part_of_the_first_record() -> None:
    assert records_of("\ufeff1,ä\n".encode(), LINES) == [(1, ["1", "ä"])]


def test_odd_separators_of_lines_are_part_of_a_cell() -> None:
    assert records_of("1,a\u2028b\x0bc\n2,d".encode(), LINES) == [(1, ["1", "a\u2028b\x0bc"]), (2, ["2", "d"])]


def test_a_record_of_a_whole_object_may_have_several_lines() -> None:
    assert records_of(b'1,"a\n\nb"\n2,c\n', WHOLE) == [(1, ["1", "a\n\nb"]), (4, ["2", "c"])]


def test_lines_of_json() -> None:
    assert records_of(b'{"a": 1}\n\n [2]\r\n', JSON_LINES) == [(1, {"a": 1}), (3, [2])]


@pytest.mark.parametrize("text", ['{"instances": [{"a": 1}, [2]]}', '[{"a": 1}, [2]]'])
def test_a_document_of_json_holds_rows(text: str) -> None:
    plan = plan_for(content_type="application/json", splits_lines=False)
    (batch,) = read(text.encode(), plan)
    assert (batch.records, batch.lines, batch.unit) == ([{"a": 1}, [2]], [1, 2], "row")


@pytest.mark.parametrize(
    ("content", "plan", "words"),
    [
        (b'1,a\n2,"b\n3,c\n', LINES, "^line 2: a quotation mark is not closed"),
        (b'1,a\n2,"b', LINES, "^line 2: the record is not CSV: unexpected end of data"),
        (b'1,a\n2,"b"c\n', LINES, "^line 2: the record is not CSV"),
        (b"1,a\n\n2,\xff\n", LINES, "^line 3: the line is not UTF-8"),
        (b'{"a": 1}\n{"a": \n', JSON_LINES, "^line 2: the record is not JSON"),
        (b"{", plan_for(content_type="application/json", splits_lines=False), "^the object is not JSON"),
        (b"{}", plan_for(content_type="application/json", splits_lines=False), '^the object must be {"instances"'),
        (b"1", plan_for(compression="gzip"), "^the object cannot be unpacked"),
        (gzip.compress(b"1,2\n", mtime=0)[:-5], plan_for(compression="gzip"), "^the object cannot be unpacked"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(content: bytes, plan: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read(content, plan)


def test_packed_objects_are_unpacked() -> None:
    assert records_of(gzip.compress(b"1,2\n3,4\n"), plan_for(compression="gzip")) == [(1, ["1", "2"]), (2, ["3", "4"])]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"1\n" + b"x" * 200, b"1\n" + b"x" * 200 + b"\n2\n"])
def test_a_record_longer_than_a_payload_is_refused(content: bytes) -> None:
    with pytest.raises(RequestError, match=r"^line 2: the record is longer than 100 bytes \(MaxPayloadInMB\)"):
        read(content, replace(LINES, record_bytes=100))


def test_a_quotation_that_never_ends_is_not_read_to_the_end() -> None:
    plan = replace(WHOLE, record_bytes=100)
    with pytest.raises(RequestError, match="the record is longer than 100 bytes"):
        read(b'1\n"' + b"two words\n" * 100, plan)


def test_an_object_larger_than_a_payload_is_refused_when_it_is_one_request() -> None:
    plan = plan_for(splits_lines=False, max_payload_bytes=10)
    with pytest.raises(RequestError, match=r"^the object is larger than 10 bytes \(MaxPayloadInMB\); SplitType Line"):
        read(b"1,2\n" * 3, plan)
    assert len(records_of(b"1,2\n" * 3, plan_for(splits_lines=False))) == 3


class Tape(io.RawIOBase):
    """A million bytes that are made when they are read; remembers how many were asked for at once."""

    def __init__(self) -> None:
        self.left = 1_000_000
        self.most = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        self.most = max(self.most, size)
        count = min(size, self.left) // 4
        self.left -= count * 4
        return b"1,2\n" * count


def test_a_long_object_is_read_in_pieces_and_given_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_BYTES", 4096)
    tape: Any = Tape()
    batches = [len(batch.records) for batch in read_batches(tape, replace(LINES, batch_bytes=40_000), ())]
    assert (sum(batches), max(batches), tape.most) == (250_000, 10_000, 4096)


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [
        ({"accept": "application/json", "is_single_record": True}, [1, 1, 1, 0]),
        ({"accept": "application/json", "max_payload_bytes": 8}, [2, 1]),
        ({"accept": "application/json"}, [3]),
        ({"is_single_record": True}, [3]),
    ],
)
def test_requests_are_told_apart_where_the_answer_shows_it(asked: dict[str, Any], sizes: list[int]) -> None:
    batches = read(b"1,2\n3,4\n5,6\n", plan_for(**asked))
    assert [len(batch.records) for batch in batches] == sizes


cells = st.text(st.characters(exclude_characters='\n\r"', exclude_categories=["Cs"]), max_size=5).map(lambda t: f"x{t}")


@given(st.lists(st.lists(cells.filter(lambda cell: "," not in cell), min_size=1, max_size=3), max_size=20))
def test_pieces_make_no_difference(rows: list[list[str]]) -> None:
    content = "".join(",".join(row) + "\n" for row in rows).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "CHUNK_BYTES", 3)
        found = records_of(content, replace(LINES, batch_bytes=7))
    assert found == list(enumerate(rows, 1))


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"content_type": "image/png"}, "'image/png' is an unsupported content type"),
        ({"accept": "text/html"}, "Accept type 'text/html' is not supported"),
        ({"environment": {"MAX_CONTENT_LENGTH": "x"}}, "MAX_CONTENT_LENGTH must be"),
        ({"joins_input": True, "accept": "application/json"}, "requires a ContentType and an Accept that are both"),
        ({"content_type": "application/jsonlines", "joins_input": True}, "not application/jsonlines and text/csv"),
        ({"input_filter": "$.a"}, r"InputFilter '\$\.a' names a member; a record of text/csv is an array"),
        ({"output_filter": "$.a"}, r"OutputFilter '\$\.a' names a member"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        plan_for(**asked)


def test_the_requests_variables_stand_over_the_containers() -> None:
    container = {
        "SAGEMAKER_INFERENCE_OUTPUT": "labels",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/jsonlines",
    }
    plan = plan_for(container)
    assert (plan.options.output, plan.accept) == (("labels",), "application/jsonlines")
