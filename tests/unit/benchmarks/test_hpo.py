from __future__ import annotations

from typing import Any

import pytest

from benchmarks.hpo import best_at, read_arguments, write_all, write_fidelities, write_report
from benchmarks.records import Record, Run


def make_record(data: str, system: str, error: float | None, curve: list[tuple[float, float]], **more: Any) -> Record:
    return Record(
        run=Run(data=data, system=system, budget_seconds=100.0, seed=0, cores=2, weighted=False),
        metric="binary",
        measured_at="2026-01-01",
        wall_seconds=110.0,
        peak_memory_bytes=2**30,
        error=error,
        models=30,
        trace=[
            {"seconds": seconds, "trials": number, "validation": loss, "error": loss + 0.01}
            for number, (seconds, loss) in enumerate(curve, 1)
        ],
        **more,
    )


def test_the_best_so_far_is_that_of_the_moment() -> None:
    record = make_record("a", "x", 0.1, [(5, 0.4), (30, 0.3), (90, 0.2)])
    assert [best_at(record, seconds, "validation") for seconds in (1, 5, 50, 100)] == [None, 0.4, 0.3, 0.2]
    assert best_at(record, 50, "error") == pytest.approx(0.31)


def test_systems_are_ranked_by_held_out_errors() -> None:
    records = [
        make_record("a", "ours", 0.10, [(10, 0.2)]),
        make_record("a", "theirs", 0.20, [(10, 0.1)]),
        make_record("b", "ours", 0.30, [(10, 0.2)]),
        make_record("b", "theirs", None, [], failure="killed"),
    ]
    text = write_report(records)
    assert "| mean rank, held-out (95 % interval over sets) | 1.00 [1.00, 1.00] | 2.00 [2.00, 2.00] |" in text
    assert "| a | ours | 30 | 0.2 | 0.1 | 0.2 | 0.2 | 0.2 | 0.2 | 0.21 | 0.21 | 0.21 | 0.21 |" in text
    assert "| b | theirs | failed |" in text


def test_parts_are_timed_to_the_best_of_whole_trials() -> None:
    records = {
        "full": make_record("t", "ours", 0.1, [(100, 0.3), (400, 0.2)]),
        "multi": make_record("t", "ours", 0.1, [(50, 0.25), (100, 0.2), (300, 0.15)]),
    }
    text = write_fidelities(records)
    assert "| multi | 0.15000 | 0.10000 | 30 | 300.0 s | 100.0 s |" in text
    assert "Parts of the table are 4.00 times as fast to 0.20000, which both reached." in text


def test_parts_that_miss_the_best_of_whole_trials_are_timed_to_their_own() -> None:
    records = {
        "full": make_record("t", "ours", 0.1, [(100, 0.3), (200, 0.22), (400, 0.2)]),
        "multi": make_record("t", "ours", 0.1, [(100, 0.25)]),
    }
    assert "2.00 times as fast to 0.25000" in write_fidelities(records)


def test_the_report_holds_all_results() -> None:
    records = [
        make_record("a", "gyropilot-tuning", 0.1, [(10, 0.2)]),
        make_record("growth_1000x5", "gyropilot-tuning", 0.1, [(50, 0.2)]),
        make_record("growth_1000x5", "gyropilot-tuning-whole", None, [], failure="killed"),
    ]
    text = write_all(records)
    assert "#### 100 s" in text
    assert "#### growth_1000x5, 100 s" in text
    assert "| full | killed |" in text


def test_what_is_asked_for_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(["--data", "folder", "--rows", "10"])
    assert "--data and --rows are different benchmarks" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        read_arguments(["--rows", "1000", "--systems", "caret"])
    assert "there is no system 'caret'" in capsys.readouterr().err
