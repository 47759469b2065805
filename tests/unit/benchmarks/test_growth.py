from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pyarrow as pa

from benchmarks.growth import TARGET, Growth, draw, make_table, write_table

GROWTH = Growth(
    rows=10_000,
    columns=100,
    budget_seconds=600.0,
    failure="",
    error=0.1,
    fit_seconds=55.0,
    first_model_seconds=20.0,
    models=9,
    peak_memory_bytes=2**30,
)


def test_tables_are_of_the_size_asked_for_and_the_same_for_the_same_seed() -> None:
    table = make_table(500, 20, seed=3)
    assert table.shape == (500, 21)
    assert table.equals(make_table(500, 20, seed=3))
    assert not table.equals(make_table(500, 20, seed=4))
    assert sorted(table.column(TARGET).unique().to_pylist()) == ["no", "yes"]
    assert sum(pa.types.is_string(field.type) for field in table.schema) == 4 + 1


def test_the_figures_are_for_each_row() -> None:
    assert (
        "| 10,000 | 100 | 20.0 s | 2000.0 µs | 1,024 MiB | 107,374 B | 600 s | 55.0 s | 9 | 0.10000 |"
        in write_table([GROWTH])
    )


def test_a_failure_is_shown_as_one() -> None:
    failed = replace(
        GROWTH, failure="killed after 1920 s", error=None, fit_seconds=None, first_model_seconds=None, models=None
    )
    assert "| failed |" in write_table([failed])


def test_the_drawing_is_xml_with_a_point_for_each_table() -> None:
    larger = replace(GROWTH, rows=100_000, first_model_seconds=90.0)
    failed = replace(GROWTH, rows=1_000_000, error=None, first_model_seconds=None)
    root = ElementTree.fromstring(draw([GROWTH, larger, failed]))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}circle")) == 2 * 2
    assert ElementTree.fromstring(draw([failed])) is not None
