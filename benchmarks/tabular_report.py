"""Markdown tables from the records of `benchmarks/tabular.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.comparison import Estimate, bootstrap, compare_with_best, geometric_mean, judge, median, rank
from benchmarks.records import Record
from benchmarks.scores import METRICS

OURS = "gyropilot"
AUTOGLUON = "autogluon-"
BEST_AUTOGLUON = "the best AutoGluon preset of each set"
ALLOWED_SECONDS = 2.0
ALLOWED_SHARE = 0.02
"""A fit may be longer than its budget by two seconds or two per cent, whichever is more."""

Errors = Mapping[str, Mapping[str, float]]
"""By data set, then by system; infinity: it failed."""


@dataclass(frozen=True)
class Board:
    """The records of one budget, by data set and system."""

    budget_seconds: float
    records: Mapping[str, Mapping[str, Record]]
    systems: Sequence[str]

    @property
    def complete(self) -> Errors:
        """The errors on the sets for which every system has a record."""
        return {
            name: {system: _error(found[system]) for system in self.systems}
            for name, found in self.records.items()
            if all(system in found for system in self.systems)
        }

    def of_system(self, system: str) -> list[Record]:
        """Return a system's records that did not fail."""
        return [found[system] for found in self.records.values() if system in found and not found[system].failure]


def write_report(records: Sequence[Record], systems: Sequence[str]) -> str:
    """Return the report on all budgets of these records, which are of the same seed, cores and use of weights."""
    parts = ["# Tabular benchmark", _describe(records)]
    for budget in sorted({record.run.budget_seconds for record in records}):
        chosen: dict[str, dict[str, Record]] = {}
        for record in records:
            if record.run.budget_seconds == budget and record.run.system in systems:
                chosen.setdefault(record.run.data, {})[record.run.system] = record
        present = [system for system in systems if any(system in found for found in chosen.values())]
        if present:
            parts += _write_budget(Board(budget, chosen, present))
    return "\n\n".join(parts) + "\n"


def _describe(records: Sequence[Record]) -> str:
    if not records:
        return "There are no results."
    last = max(records, key=lambda record: record.measured_at)
    machine = last.machine or {}
    versions = sorted({record.version for record in records if record.version})
    weights = "used as weights" if last.run.weighted else "ordinary columns"
    return (
        f"Measured until {last.measured_at} on {machine.get('cpu', 'an unknown processor')}, "
        f"{last.run.cores} cores for each system, {machine.get('memory_gib', '?')} GiB. "
        f"{', '.join(versions)}. Split and systems with seed {last.run.seed}; weight columns are {weights}. "
        "Brackets hold 95 % intervals by a bootstrap over data sets."
    )


def _write_budget(board: Board) -> list[str]:
    parts = [f"## Budget of {board.budget_seconds:g} s", "### Errors, the less the better", _table_errors(board)]
    errors = board.complete
    if not errors:
        return [*parts, "No data set has been run by every system yet."]
    parts += [f"### Over {len(errors)} data sets", _table_systems(board, errors)]
    if OURS in board.systems and len(board.systems) > 1:
        parts += [f"### {OURS} against each", _table_duels(board, errors)]
        parts += [f"### What {OURS} costs against each", _table_ratios(board)]
    parts += ["### Costs", _table_costs(board)]
    failures = _list_failures(board)
    return [*parts, "### Failures", failures] if failures else parts


def _table_errors(board: Board) -> str:
    rows = []
    for name, found in board.records.items():
        best = min((_error(record) for record in found.values()), default=math.inf)
        metric = next(iter(found.values())).metric
        cells = [_cell(found.get(system), best) for system in board.systems]
        rows.append([name, METRICS.get(metric, metric), *cells])
    return _table(["data", "error", *board.systems], rows)


def _cell(record: Record | None, best: float) -> str:
    if record is None:
        return "not run"
    if record.error is None:
        return "failed"
    return f"**{record.error:.5g}**" if record.error == best else f"{record.error:.5g}"


def _table_systems(board: Board, errors: Errors) -> str:
    ranks = [rank(of_set) for of_set in errors.values()]
    shares = [of_set for of_set in map(compare_with_best, errors.values()) if of_set]
    rows = []
    for system in board.systems:
        place = bootstrap([of_set[system] for of_set in ranks])
        above = bootstrap([100 * of_set[system] for of_set in shares]) if shares else None
        failed = sum(math.isinf(of_set[system]) for of_set in errors.values())
        rows.append([system, _show(place, "{:.2f}"), _show(above, "{:.1f} %"), str(failed)])
    return _table(["system", "mean rank", "mean error above the set's best", "failed"], rows)


def _table_duels(board: Board, errors: Errors) -> str:
    rows = []
    for name, opponents in _opponents(board.systems):
        pairs = [(of_set[OURS], min(of_set[system] for system in opponents)) for of_set in errors.values()]
        wins = bootstrap([100 * judge(own, other) for own, other in pairs])
        ratios = [own / other for own, other in pairs if math.isfinite(own) and math.isfinite(other) and own * other]
        ratio = bootstrap(ratios, geometric_mean) if ratios else None
        rows.append([name, _show(wins, "{:.0f} %"), _show(ratio, "{:.3f}")])
    return _table(["against", "win rate", "its error, as a multiple of the other's (geometric mean)"], rows)


def _opponents(systems: Sequence[str]) -> list[tuple[str, list[str]]]:
    presets = [system for system in systems if system.startswith(AUTOGLUON)]
    opponents = [(system, [system]) for system in systems if system != OURS]
    return [(BEST_AUTOGLUON, presets), *opponents] if presets else opponents


def _table_ratios(board: Board) -> str:
    figures: list[tuple[str, Callable[[Record], float | None]]] = [
        ("one row", lambda record: record.one_row_seconds),
        ("10,000 rows", lambda record: record.many_rows_seconds),
        ("peak memory", lambda record: record.peak_memory_bytes),
        ("model size", lambda record: record.model_bytes),
    ]
    rows = [
        [system, *(_show(_ratio(board, system, figure), "{:.3g}") for _, figure in figures)]
        for system in board.systems
        if system != OURS
    ]
    return "The other's figure as a multiple of gyropilot's, median over data sets.\n\n" + _table(
        ["against", *(name for name, _ in figures)], rows
    )


def _ratio(board: Board, system: str, figure: Callable[[Record], float | None]) -> Estimate | None:
    ratios = []
    for found in board.records.values():
        own, other = (figure(found[name]) if name in found else None for name in (OURS, system))
        if own and other and not found[OURS].failure and not found[system].failure:
            ratios.append(other / own)
    return bootstrap(ratios, median) if ratios else None


def _table_costs(board: Board) -> str:
    rows = []
    for system in board.systems:
        done = board.of_system(system)
        over = [record.overrun_seconds for record in done if record.overrun_seconds is not None]
        allowed = max(ALLOWED_SECONDS, ALLOWED_SHARE * board.budget_seconds)
        worst = max(over, default=None)
        rows.append(
            [
                system,
                _middle([record.fit_seconds for record in done], "{:.1f} s"),
                "" if worst is None else f"{worst:.1f} s ({100 * worst / board.budget_seconds:.0f} %)",
                f"{sum(seconds > allowed for seconds in over)} of {len(over)}",
                _most([record.peak_memory_bytes / 2**20 for record in done], "{:.0f} MiB"),
                _middle([_scaled(record.one_row_seconds, 1e3) for record in done], "{:.3g} ms"),
                _middle([_scaled(record.many_rows_seconds, 1e3) for record in done], "{:.3g} ms"),
                _middle([_scaled(record.model_bytes, 1e-6) for record in done], "{:.2f} MB"),
                _middle([_scaled(record.models, 1) for record in done], "{:g}"),
            ]
        )
    note = (
        "Medians over data sets; overrun and peak memory are the largest. Above the allowance: 2 s or 2 %, the larger."
    )
    head = [
        "system",
        "fit",
        "overrun",
        "above the allowance",
        "peak memory",
        "one row",
        "10,000 rows",
        "model",
        "models",
    ]
    return f"{note}\n\n{_table(head, rows)}"


def _list_failures(board: Board) -> str:
    return "\n".join(
        f"- {system} on {name}: {_last_line(found[system].failure)}"
        for name, found in board.records.items()
        for system in board.systems
        if system in found and found[system].failure
    )


def _error(record: Record) -> float:
    return math.inf if record.error is None else record.error


def _last_line(text: str) -> str:
    start, *others = text.strip().splitlines()
    return f"{start[:60]} … {others[-1][:200]}" if others else start[:260]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _middle(values: Sequence[float | None], form: str) -> str:
    present = sorted(value for value in values if value is not None)
    return form.format(bootstrap(present, median).value) if present else ""


def _most(values: Sequence[float], form: str) -> str:
    return form.format(max(values)) if values else ""


def _show(estimate: Estimate | None, form: str) -> str:
    if estimate is None:
        return ""
    return f"{form.format(estimate.value)} [{form.format(estimate.low)}, {form.format(estimate.high)}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
