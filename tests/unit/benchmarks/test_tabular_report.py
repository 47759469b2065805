from __future__ import annotations

from benchmarks.records import Record, Run
from benchmarks.tabular_report import BEST_AUTOGLUON, write_report

SYSTEMS = ["gyropilot", "autogluon-medium", "autogluon-best"]
ERRORS: dict[str, dict[str, float | None]] = {
    "one": {"gyropilot": 0.10, "autogluon-medium": 0.20, "autogluon-best": 0.15},
    "two": {"gyropilot": 0.30, "autogluon-medium": 0.20, "autogluon-best": 0.40},
    "three": {"gyropilot": 0.10, "autogluon-medium": 0.20, "autogluon-best": None},
    "four": {"gyropilot": 0.20, "autogluon-medium": 0.30, "autogluon-best": 0.30},
}


def make_record(data: str, system: str, error: float | None) -> Record:
    is_ours = system == "gyropilot"
    run = Run(data=data, system=system, budget_seconds=60.0, seed=0, cores=2, weighted=False)
    return Record(
        run=run,
        metric="binary",
        measured_at="2026-01-01T00:00:00+00:00",
        wall_seconds=70.0,
        peak_memory_bytes=2**30 if is_ours else 2**31,
        failure="ended with 1: Traceback\nMemoryError" if error is None else "",
        error=error,
        fit_seconds=None if error is None else 59.0 if is_ours else 66.0,
        one_row_seconds=None if error is None else 0.001 if is_ours else 0.05,
        many_rows_seconds=None if error is None else 0.1,
        model_bytes=None if error is None else 1_000_000,
        models=None if error is None else 9,
    )


RECORDS = [make_record(data, system, error) for data, of_set in ERRORS.items() for system, error in of_set.items()]


def find_line(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(begin))


def test_the_best_preset_of_each_set_is_the_opponent() -> None:
    text = write_report(RECORDS, SYSTEMS)
    assert "| 75 % [" in find_line(text, f"| {BEST_AUTOGLUON}")


def test_ranks_failures_costs_and_ratios_are_there() -> None:
    text = write_report(RECORDS, SYSTEMS)
    assert find_line(text, "| gyropilot |").startswith("| gyropilot | 1.25 [")
    assert "| three | 1 - AUC | **0.1** | 0.2 | failed |" in text
    assert "- autogluon-best on three: ended with 1: Traceback … MemoryError" in text
    assert "| autogluon-medium | 50 [50, 50] | 1 [1, 1] | 2 [2, 2] | 1 [1, 1] |" in text
    assert "| 6.0 s (10 %) | 4 of 4 | 2048 MiB |" in text


def test_a_set_that_a_system_has_not_run_yet_does_not_count() -> None:
    text = write_report(RECORDS[:-1], SYSTEMS)
    assert "### Over 3 data sets" in text
    assert "| four | 1 - AUC | **0.2** | 0.3 | not run |" in text


def test_nothing_is_said_of_nothing() -> None:
    assert "There are no results." in write_report([], SYSTEMS)
