"""Encoders and the quantiser: training and serving see the same numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyropilot.engine.data.columns import profile_columns
from gyropilot.engine.data.read import read_table
from gyropilot.engine.features.documents import read_document, write_document
from gyropilot.engine.features.encoders import (
    SEQUENCE_STATISTICS,
    CategoricalEncoder,
    DatetimeEncoder,
    Encoder,
    NumericEncoder,
    SequenceEncoder,
    TextEncoder,
)
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.features.table_encoder import COLUMNWISE_ROWS, TableEncoder


def test_rows_and_tables_are_encoded_alike(table_csv: Path) -> None:
    table = read_table([table_csv]).columns
    encoder = fit_table_encoder(table, profile_columns(table.drop_columns(["label"]), {}))
    whole = encode_table(encoder, table)
    rows = [[row[name] for name in encoder.columns] for row in table.to_pylist()]
    np.testing.assert_array_equal(encoder.encode_rows(rows), whole)
    as_text = [["" if cell is None else cell for cell in row] for row in rows]
    np.testing.assert_array_equal(encoder.encode_rows(as_text), whole)
    assert [feature.name for feature in encoder.features][:3] == ["amount", "colour", "when: days"]


def test_encoders_are_stored_as_json_and_plain_arrays(table_csv: Path, tmp_path: Path) -> None:
    table = read_table([table_csv]).columns
    encoder = fit_table_encoder(table, profile_columns(table.drop_columns(["label"]), {}))
    document, arrays = tmp_path / "encoder.json", tmp_path / "encoder.npz"
    write_document(encoder, document, arrays)
    assert document.stat().st_size < 4000
    again = read_document(document.read_bytes(), arrays, TableEncoder)
    assert again.features == encoder.features
    np.testing.assert_array_equal(encode_table(again, table), encode_table(encoder, table))
    first = document.read_bytes(), arrays.read_bytes()
    write_document(again, document, arrays)
    assert (document.read_bytes(), arrays.read_bytes()) == first


def test_decorated_numbers_are_read_alike_in_tables_and_rows() -> None:
    cells = ["$1,234.50", "-$3", "€ 7", "", "NA", "1,000,000", "12 %", "£0.5", None]
    table = pa.table({"n": pa.array(cells, pa.string())})
    encoder = fit_table_encoder(table, profile_columns(table, {}))
    whole = encode_table(encoder, table)
    np.testing.assert_array_equal(
        whole[:, 0], np.array([1234.5, -3, 7, np.nan, np.nan, 1e6, 12, 0.5, np.nan], dtype=np.float32)
    )
    np.testing.assert_array_equal(encoder.encode_rows([[cell] for cell in cells]), whole)


def test_unseen_and_missing_categories_differ() -> None:
    encoder = CategoricalEncoder(name="c", categories=("a", "3"))
    assert encoder.encode("a") == (0.0,)
    assert encoder.encode(3.0) == (1.0,)
    assert encoder.encode("never") == (-1.0,)
    assert np.isnan(encoder.encode("")).all()
    assert np.isnan(encoder.encode(None)).all()
    assert np.isnan(encoder.encode(float("nan"))).all()


def test_what_is_no_finite_number_is_missing() -> None:
    encoder = NumericEncoder(name="n")
    assert encoder.encode(" 1.5 ") == (1.5,)
    for cell in ("inf", "-inf", "nan", "", "x", None, "1e300"):
        assert np.isnan(encoder.encode(cell)).all(), cell


def test_dates_have_parts() -> None:
    encoder = DatetimeEncoder(name="d", date_format="iso", has_time=True)
    assert encoder.encode("2000-01-02T12:00") == (1.5, 1.0, 2.0, 6.0, 2.0, 12.0)
    assert np.isnan(encoder.encode("soon")).all()


def test_numbers_are_dates_as_text_and_as_numbers() -> None:
    seconds = DatetimeEncoder(name="d", date_format="epoch_s", has_time=True)
    assert seconds.encode("946771200") == seconds.encode(946771200.0) == (1.0, 1.0, 2.0, 6.0, 2.0, 0.0)
    digits = DatetimeEncoder(name="d", date_format="%Y%m%d", has_time=False)
    assert digits.encode("20000102") == digits.encode(20000102.0) == (1.0, 1.0, 2.0, 6.0, 2.0)
    for cell in (math.nan, math.inf, 1e300, None, "", "soon"):
        assert np.isnan(seconds.encode(cell)).all(), cell


def test_sequences_become_statistics() -> None:
    encoder = SequenceEncoder(name="s")
    statistics = dict(zip(SEQUENCE_STATISTICS, encoder.encode("4, , 0, 2, 2"), strict=True))
    assert statistics == pytest.approx(
        {
            "count": 4,
            "missing": 1,
            "mean": 2,
            "std": 2**0.5,
            "min": 0,
            "q25": 1.5,
            "median": 2,
            "q75": 2.5,
            "max": 4,
            "first": 4,
            "last": 2,
            "slope": np.polyfit([0, 2, 3, 4], [4, 0, 2, 2], 1)[0],
            "mean_abs_change": 2,
            "autocorrelation": -0.5,
            "mean_crossings": 1 / 3,
            "argmin": 0.5,
            "argmax": 0,
        }
    )
    assert encoder.encode("7")[:5] == (1, 0, 7, 0, 7)
    assert encoder.encode(7.0) == encoder.encode("7")
    assert np.isfinite(encoder.encode("1,1,1")).all()
    for cell in (None, "", "a, b", math.nan):
        assert np.isnan(encoder.encode(cell)).all(), cell


def test_columns_of_sequences_are_encoded_in_tables_and_rows_alike() -> None:
    random = np.random.default_rng(1)
    cells = [",".join(f"{number:.3f}" for number in random.normal(size=random.integers(2, 30))) for _ in range(50)]
    table = pa.table({"s": pa.array([*cells, None], pa.string())})
    encoder = fit_table_encoder(table, profile_columns(table, {}))
    assert [feature.name for feature in encoder.features][:2] == ["s: count", "s: missing"]
    whole = encode_table(encoder, table)
    np.testing.assert_array_equal(encoder.encode_rows([[cell] for cell in [*cells, ""]]), whole)
    np.testing.assert_array_equal(encoder.encode_rows([[cells[3]]])[0], whole[3])


NUMBERS = st.floats(width=32, allow_infinity=False, allow_nan=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=400), st.lists(NUMBERS, max_size=50))
def test_codes_and_borders_ask_the_same_question(seen: list[float], later: list[float]) -> None:
    borders = fit_borders(np.array(seen, dtype=np.float32).reshape(-1, 1))
    numbers = np.array(seen + later, dtype=np.float32).reshape(-1, 1)
    codes = quantise(numbers, borders)[:, 0]
    cuts = borders[0]
    assert (np.diff(cuts) > 0).all()
    np.testing.assert_array_equal(codes == 0, np.isnan(numbers[:, 0]))
    for code, border in enumerate(cuts, start=1):
        np.testing.assert_array_equal(codes <= code, (numbers[:, 0] <= border) | np.isnan(numbers[:, 0]))


def test_few_values_keep_a_code_each() -> None:
    numbers = np.repeat(np.arange(200, dtype=np.float32), 3).reshape(-1, 1)
    codes = quantise(numbers, fit_borders(numbers))
    assert len(np.unique(codes)) == 200


CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(),
    st.just(10**400),
    st.sampled_from(
        ["", " ", "1", " 1.5 ", "1_0", "inf", "nan", "-0", "$1,234", "12 %", "a", "2024-01-02", "20240102"]
    ),
    st.text(max_size=8),
    st.text(st.sampled_from("0123456789.,;-eE x[]"), max_size=30),
)
ALL_ENCODERS: tuple[Encoder, ...] = (
    NumericEncoder(name="number"),
    NumericEncoder(name="price", is_decorated=True),
    CategoricalEncoder(name="category", categories=("a", "1", "-0", "True")),
    DatetimeEncoder(name="date", date_format="iso", has_time=True),
    DatetimeEncoder(name="moment", date_format="epoch_s", has_time=True),
    DatetimeEncoder(name="digits", date_format="%Y%m%d", has_time=False),
    TextEncoder(name="text"),
    SequenceEncoder(name="sequence"),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=2 * COLUMNWISE_ROWS))
def test_many_rows_are_encoded_like_one(cells: list[str | float | None]) -> None:
    encoder = TableEncoder(columns=tuple(each.name for each in ALL_ENCODERS), encoders=ALL_ENCODERS)
    rows = [[cell] * len(ALL_ENCODERS) for cell in cells]
    rows += rows[: max(0, COLUMNWISE_ROWS - len(rows))] * COLUMNWISE_ROWS
    single = np.concatenate([encoder.encode_rows([row]) for row in rows])
    np.testing.assert_array_equal(encoder.encode_rows(rows), single)
