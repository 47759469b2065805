"""Whatever is sent to a model server: it is predicted or refused in words, and the next request is answered."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.serving.running import GOLDEN, RunningModelServer, running_model_server

FUZZ = settings(
    max_examples=120,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
REFUSED = {400, 406, 413, 415}
NAMES = ("town", "note", "readings", "opened", "closed_timestamp", "price")
ROW = ("town 3", "a Sailor, a ship!", "1.5,1.4,,1.6", "2024-03-05T08:30", "1712016000", "$1,234.50")
LONG = 10 << 20

CELLS = st.sampled_from(
    (
        *ROW, "", " ", "nan", "inf", "-Infinity", "1e400", "1e-400", "9" * 400, "0x1F", "١٢", "\0", '"', "\ufeff", "🙂",
        "[[[", ";;;", ",,,", "2024-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1e18", "-1e18",
    )
) | st.text(max_size=12)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | CELLS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=7) | st.dictionaries(CELLS, inner, max_size=4))
ROWS = st.lists(st.tuples(*[LEAVES] * 6) | st.dictionaries(st.sampled_from((*NAMES, "answer", "x")), LEAVES))
TYPES = st.sampled_from(
    (
        "text/csv", "TEXT/CSV; header=present", "application/json", "application/jsonlines", "application/x-parquet",
        "application/octet-stream", "image/png", "", "a/b; c=;;", "application/json, text/csv", "*/*", "é", "x" * 1000,
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningModelServer]:
    folder = tmp_path_factory.mktemp("fuzz")
    with running_model_server(folder, GOLDEN / "0.1.0-columns.tar.gz", {"MAX_CONTENT_LENGTH": str(3 * LONG)}) as server:
        yield server
        assert server.is_well
        assert "Traceback" not in server.log.read_text()


def check(server: RunningModelServer, body: bytes, rows: int | None = None, **headers: str) -> None:
    """A request is answered with a row for each, or refused in a line of text that is not long."""
    answer = server.ask(body, **{name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()})
    if answer.status == 200:
        assert rows is None or answer.data.count(b"\n") == rows
        return
    assert answer.status in REFUSED, answer.data
    assert 0 < len(answer.data) < 2000
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@FUZZ
@given(body=st.binary(max_size=200), content_type=TYPES, accept=TYPES)
def test_binary_rubbish(server: RunningModelServer, body: bytes, content_type: str, accept: str) -> None:
    check(server, body, content_type=content_type, accept=accept)


@FUZZ
@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=8), max_size=4), accept=TYPES)
@example(rows=[list(ROW), list(ROW)], accept="text/csv")
def test_csv(server: RunningModelServer, rows: list[list[str]], accept: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    check(server, text.getvalue().encode(), content_type="text/csv", accept=accept)


@FUZZ
@given(document=JSON | ROWS | ROWS.map(lambda rows: {"instances": rows}))
@example(document=[dict(zip(NAMES, ROW, strict=True))])
def test_json(server: RunningModelServer, document: Any) -> None:
    body = json.dumps(document).encode()  # which writes NaN and Infinity, too
    check(server, body, content_type="application/json")
    check(server, body, content_type="application/jsonlines")


@FUZZ
@given(
    columns=st.dictionaries(
        st.sampled_from((*NAMES, "answer")),
        st.sampled_from(
            (
                pa.array(["a", None]),
                pa.array([1, None], pa.uint64()),
                pa.array([float("nan"), float("inf")]),
                pa.array([b"\xff", b""]),
                pa.array([[1.5], None]),
                pa.array([{"a": 1}, None]),
                pa.array([0, 2**62], pa.timestamp("ns", "Asia/Tokyo")),
                pa.array([None, None]),
                pa.array(["a", "a"]).dictionary_encode(),
                pa.array([True, False]),
            )
        ),
        min_size=5,
    ),
    flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 255)), max_size=3),
)
def test_parquet(server: RunningModelServer, columns: dict[str, Any], flips: list[tuple[int, int]]) -> None:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    body = bytearray(sink.getvalue())
    for place, bits in flips:
        body[place % len(body)] ^= bits
    check(server, bytes(body), rows=None if flips else 2, content_type="application/x-parquet")


@pytest.mark.parametrize("place", range(len(ROW)))
@pytest.mark.parametrize("filling", ["1", " ", "1,", "1;", "a ", "é"])
def test_a_cell_of_megabytes(server: RunningModelServer, place: int, filling: str) -> None:
    """In each kind of column, with an end that nothing can be made of."""
    row = list(ROW)
    row[place] = "x" + filling * (LONG // len(filling)) + "x" if filling == " " else filling * (1 << 20) + "x"
    text = io.StringIO()
    csv.writer(text).writerow(row)
    check(server, text.getvalue().encode(), rows=1, content_type="text/csv")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" * 100_000, "application/json"),
        (b'{"a":' * 100_000, "application/jsonlines"),
        (orjson.dumps([{"x" * 1_000_000: 1}]), "application/json"),
        (orjson.dumps([dict.fromkeys((f"column {n}" for n in range(10_000)), 1)]), "application/json"),
        (b"," * 1_000_000, "text/csv"),
        (b'"' + b"a" * 1_000_000, "text/csv"),
        (b"PAR1" + b"\xff" * 1000 + b"PAR1", "application/x-parquet"),
        (b"", "application/x-parquet"),
        (b"a" * (3 * LONG + 1), "text/csv"),
    ],
)
def test_refuses_in_few_words(server: RunningModelServer, body: bytes, content_type: str) -> None:
    answer = server.ask(body, content_type=content_type)
    assert answer.status in REFUSED
    assert 0 < len(answer.data) < 2000


def test_refuses_a_table_that_a_few_bytes_say_is_huge(server: RunningModelServer) -> None:
    cells = pa.DictionaryArray.from_arrays(pa.array([0] * 4000, pa.int32()), pa.array(["x" * 100_000]))
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(dict.fromkeys(NAMES, cells)), sink)
    assert len(sink.getvalue()) < 100_000
    answer = server.ask(sink.getvalue(), content_type="application/x-parquet")
    assert (answer.status, answer.data.partition(b":")[0]) == (400, b"The table is too large")
