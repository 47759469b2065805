"""Derived columns: what they compute, alike for one row and for many."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyropilot.engine.data.columns import profile_columns
from gyropilot.engine.features.derivations import (
    Arithmetic,
    Cyclic,
    Derivation,
    Lookup,
    MissingCount,
    Program,
    find_keys,
    make_lookup,
)
from gyropilot.engine.features.encoders import CategoricalEncoder, Encoder, NumericEncoder
from gyropilot.engine.features.fitting import encode_table, fit_table_encoder
from gyropilot.engine.features.table_encoder import TableEncoder

NAN = math.nan
ENCODERS: tuple[Encoder, ...] = (
    NumericEncoder(name="a"),
    NumericEncoder(name="b"),
    CategoricalEncoder(name="c", categories=("red", "green", "blue")),
    CategoricalEncoder(name="d", categories=("x", "y")),
)


def make_encoder(*derivations: Derivation) -> TableEncoder:
    return TableEncoder(columns=("a", "b", "c", "d"), encoders=ENCODERS, derivations=derivations)


def compute(derivation: Derivation, base: list[list[float]]) -> list[float]:
    extended = Program([derivation]).extend(np.array(base, dtype=np.float32))
    column: list[float] = extended[:, -1].tolist()
    return column


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("add", [7, NAN, NAN, 2]),
        ("subtract", [5, NAN, 0, 2]),
        ("multiply", [6, NAN, NAN, 0]),
        ("divide", [6, NAN, 1, NAN]),
    ],
)
def test_arithmetic_is_missing_where_nothing_finite_comes_out(operator: Any, expected: list[float]) -> None:
    base: list[list[float]] = [[6, 1], [NAN, 1], [3e38, 3e38], [2, 0]]
    np.testing.assert_array_equal(compute(Arithmetic(name="x", operator=operator, left=0, right=1), base), expected)


def test_lookup_of_one_column_knows_missing_and_unseen_categories() -> None:
    base = np.array([[NAN], [-1], [0], [1], [2]], dtype=np.float32)
    keys = find_keys(base, [0])
    assert keys.tolist() == [0, 1, 2, 3, 4]
    lookup = make_lookup("x", [0], keys[[3, 0, 2]], np.array([10, 20, 0.1]), default=-7)
    assert not lookup.keys
    assert list(lookup.values) == [20, -7, 0.1, 10]  # single precision, without the digits it does not have
    np.testing.assert_array_equal(compute(lookup, base.tolist()), np.array([20, -7, 0.1, 10, -7], dtype=np.float32))


def test_lookup_of_two_columns_and_the_difference_from_it() -> None:
    base = np.array([[0, 1, 5], [1, 0, 5], [NAN, -1, 5], [0, 0, 5]], dtype=np.float32)
    keys = find_keys(base, [0, 1])
    lookup = make_lookup("x", [0, 1], keys[:3], np.array([1.0, 2.0, NAN]), default=9.0)
    np.testing.assert_array_equal(compute(lookup, base.tolist()), [1, 2, NAN, 9])
    difference = make_lookup("x", [0, 1], keys[:3], np.array([1.0, 2.0, NAN]), minuend=2)
    np.testing.assert_array_equal(compute(difference, base.tolist()), [4, 3, NAN, NAN])


def test_lookup_without_entries_gives_its_default() -> None:
    nothing = np.empty(0, dtype=np.int64)
    for columns in ([0], [0, 1]):
        lookup = make_lookup("x", columns, nothing, np.empty(0), default=0.5)
        assert compute(lookup, [[0, 1], [NAN, -1]]) == [0.5, 0.5]


def test_missing_cells_are_counted_and_circles_close() -> None:
    assert compute(MissingCount(name="m"), [[NAN, 1], [1, 1], [NAN, NAN]]) == [1, 0, 2]
    around = [
        compute(Cyclic(name="m", column=0, period=12, function=function), [[0], [3], [6], [12], [NAN]])
        for function in ("sin", "cos")
    ]
    np.testing.assert_allclose(around, [[0, 1, 0, 0, NAN], [1, 0, -1, 1, NAN]], atol=1e-6)


NUMBER_CELLS = st.one_of(st.none(), st.floats(allow_nan=False, width=64), st.integers(-5, 5))
COLOURS = st.sampled_from([None, "", "red", "green", "blue", "never"])
LETTERS = st.sampled_from([None, "x", "y", "z"])
OPERATORS = ("add", "subtract", "multiply", "divide")
ALL_KINDS: tuple[Derivation, ...] = (
    *(Arithmetic(name=f"a {each} b", operator=each, left=0, right=1) for each in OPERATORS),  # type: ignore[arg-type]
    Arithmetic(name="a add a", operator="add", left=0, right=0),
    Lookup(name="c", columns=(2,), values=(0.5, None, 1.5, 2.5, 3.5), default=7),
    Lookup(name="d", columns=(3,), values=(1, 2), minuend=0),
    Lookup(name="c, d", columns=(2, 3), keys=(2, (2 << 20) + 2, (4 << 20) + 3), values=(1, 2, 3), default=4),
    Lookup(name="d, c", columns=(3, 2), keys=(0, (2 << 20) + 2), values=(0.1, 0.2), minuend=1),
    MissingCount(name="missing"),
    Cyclic(name="sin", column=0, period=7, function="sin"),
    Cyclic(name="cos", column=1, period=24, function="cos"),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NUMBER_CELLS, NUMBER_CELLS, COLOURS, LETTERS), min_size=1, max_size=30))
def test_whole_tables_and_single_rows_are_derived_alike(rows: list[tuple[Any, ...]]) -> None:
    encoder = make_encoder(*ALL_KINDS)
    types = [pa.float64(), pa.float64(), pa.string(), pa.string()]
    columns = list(zip(*rows, strict=True))
    table = pa.table({n: pa.array(c, t) for n, c, t in zip(encoder.columns, columns, types, strict=True)})
    whole = encode_table(encoder, table)
    assert whole.shape == (len(rows), len(encoder.features))
    assert not np.isinf(whole).any()
    np.testing.assert_array_equal(encoder.encode_rows(rows), whole)
    np.testing.assert_array_equal(np.concatenate([encoder.encode_rows([row]) for row in rows]), whole)


def test_derivations_are_plain_data_and_features() -> None:
    encoder = make_encoder(*ALL_KINDS)
    assert msgspec.json.decode(msgspec.json.encode(encoder), type=TableEncoder) == encoder
    assert [feature.name for feature in encoder.features][4:] == [each.name for each in ALL_KINDS]
    assert [feature.levels for feature in encoder.features] == [0, 0, 3, 2] + [0] * len(ALL_KINDS)


@pytest.mark.parametrize(
    ("derivation", "words"),
    [
        ({"type": "arithmetic", "name": "x", "operator": "add", "left": 0, "right": 4}, "reads columns"),
        ({"type": "arithmetic", "name": "x", "operator": "power", "left": 0, "right": 1}, "Invalid enum value"),
        ({"type": "lookup", "name": "x", "columns": [0], "values": [1]}, "not all categories"),
        ({"type": "lookup", "name": "x", "columns": [2], "keys": [1, 0], "values": [1, 2]}, "must ascend"),
        ({"type": "lookup", "name": "x", "columns": [2], "keys": [1], "values": [1, 2]}, "1 keys and 2 values"),
        ({"type": "lookup", "name": "x", "columns": [], "values": [1]}, "one or two"),
        ({"type": "cyclic", "name": "x", "column": 0, "period": 0, "function": "sin"}, "above 0"),
    ],
)
def test_derivations_that_make_no_sense_are_refused(derivation: dict[str, Any], words: str) -> None:
    encoder: dict[str, Any] = msgspec.to_builtins(make_encoder())
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**encoder, "derivations": [derivation]}, TableEncoder)


def test_dates_are_compared_and_put_on_circles() -> None:
    table = pa.table(
        {
            "from": ["2024-01-01", "2024-02-01", None, "2023-12-31"],
            "until": ["2024-01-03T06:00", "2024-02-01T18:00", "2024-01-01T00:00", "2024-01-01T12:00"],
        }
    )
    encoder = fit_table_encoder(table, profile_columns(table, {}))
    names = [feature.name for feature in encoder.features]
    whole = encode_table(encoder, table)
    np.testing.assert_array_equal(whole[:, names.index("from - until: days")], [-2.25, -0.75, NAN, -1.5])
    np.testing.assert_allclose(whole[:, names.index("until: hour, sin")], [1, -1, 0, 0], atol=1e-6)
    assert "from: month, cos" in names
    assert "from: hour, sin" not in names
    rows = [[row[name] for name in encoder.columns] for row in table.to_pylist()]
    np.testing.assert_array_equal(encoder.encode_rows(rows), whole)
