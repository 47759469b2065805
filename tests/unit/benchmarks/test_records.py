from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records import Record, Run, append_record, read_records

RUN = Run(data="adult", system="flaml", budget_seconds=60.0, seed=0, cores=2, weighted=False)
RECORD = Record(
    run=RUN, metric="binary", measured_at="2026-01-01T00:00:00+00:00", wall_seconds=70.0, peak_memory_bytes=1, error=0.1
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results" / "tabular.jsonl"
    other = replace(RECORD, run=replace(RUN, system="lightgbm"), error=None, failure="ended with 1: naïve\nlast line")
    append_record(path, RECORD)
    append_record(path, other)
    assert read_records(path) == {RUN: RECORD, other.run: other}


def test_there_are_no_records_without_a_file(tmp_path: Path) -> None:
    assert read_records(tmp_path / "tabular.jsonl") == {}


def test_the_last_record_of_a_run_counts(tmp_path: Path) -> None:
    path = tmp_path / "tabular.jsonl"
    append_record(path, RECORD)
    append_record(path, replace(RECORD, error=0.2))
    assert read_records(path)[RUN].error == 0.2


def test_a_line_that_was_cut_short_spoils_neither_what_is_before_nor_after(tmp_path: Path) -> None:
    path = tmp_path / "tabular.jsonl"
    append_record(path, RECORD)
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert list(read_records(path)) == [RUN]
    later = replace(RECORD, run=replace(RUN, seed=1))
    append_record(path, later)
    assert read_records(path) == {RUN: RECORD, later.run: later}


@pytest.mark.parametrize(("seconds", "expected"), [(59.0, 0.0), (63.5, 3.5), (None, None)])
def test_overrun_is_what_a_fit_lasts_beyond_its_budget(seconds: float | None, expected: float | None) -> None:
    assert replace(RECORD, fit_seconds=seconds).overrun_seconds == expected
