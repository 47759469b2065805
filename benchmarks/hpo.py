"""Compares hyperparameter tuning: Gyropilot, plain Optuna-tuned XGBoost and FLAML, in equal time on equal cores.

python -m benchmarks.hpo --data FOLDER [--budget 100] [--systems gyropilot-tuning,flaml] [--sets a,b] [--seed 0]
python -m benchmarks.hpo --rows 1000000 [--columns 20] [--budget 240]
python -m benchmarks.hpo

The first form runs every system on every table of a folder and tells the best validation and held-out error against
trials and seconds. The second tunes on one table of the generator of `benchmarks/growth.py`, once with trials that
compete for rows and rounds and once with trials that see all of both, and tells which was sooner as good as the other.
Results are lines of `benchmarks/results/hpo.jsonl`; what is there already is not run again. Every form reports on all
that is there, in `benchmarks/results/hpo.md`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.comparison import bootstrap, rank
from benchmarks.environments import ROOT
from benchmarks.growth import TARGET, TEST_ROWS, make_table
from benchmarks.records import Record, append_record, read_records
from benchmarks.splits import DataSet, Split, read_manifest, write_split
from benchmarks.tabular import Plan, choose_cores, find_pythons, measure_run

RESULTS = ROOT / "benchmarks" / "results" / "hpo.jsonl"
SYSTEMS = ("gyropilot-tuning", "optuna-xgboost", "flaml")
FIDELITIES = {"full": "gyropilot-tuning-whole", "multi": "gyropilot-tuning"}
GENERATED = "growth_"
"""What the names of generated tables begin with."""
SHARES = (0.25, 0.5, 0.75, 1.0)
"""At these shares of the budget the best so far is told."""


def compare_systems(plan: Plan, results: Path) -> None:
    """Run what there is no result of."""
    for data, run in plan.runs():
        if run in read_records(results) and run.system not in plan.again:
            continue
        with tempfile.TemporaryDirectory(prefix="gyropilot-hpo-") as name:
            split = write_split(data, seed=run.seed, folder=Path(name) / data.name)
            record = measure_run(plan, data, run, split, Path(name))
        append_record(results, record)
        print(
            f"{run.data}, {run.system}: {record.failure or f'{record.error:.5g}, {record.models} trials'}", flush=True
        )


def compare_fidelities(plan: Plan, rows: int, columns: int, results: Path) -> None:
    """Tune on one long table with trials of a part of it, and with whole ones."""
    data = DataSet(name=f"{GENERATED}{rows}x{columns}", path=Path(), target=TARGET, problem="binary", weight="")
    (budget,) = plan.budgets
    with tempfile.TemporaryDirectory(prefix="gyropilot-hpo-") as name:
        folder = Path(name)
        split = Split(train=folder / "train.parquet", test=folder / "test.parquet")
        pq.write_table(make_table(rows, columns, plan.seed + 1), split.train)
        pq.write_table(make_table(TEST_ROWS, columns, plan.seed + 2), split.test)
        for system in plan.systems:
            run = plan.run_of(data, system, budget)
            if run not in read_records(results) or system in plan.again:
                append_record(results, measure_run(plan, data, run, split, folder))


def best_at(record: Record, seconds: float, figure: str) -> float | None:
    """Return a figure of the best model that a search had after so many seconds; None where that is not known."""
    reached = [point[figure] for point in record.trace if point["seconds"] <= seconds]
    return reached[-1] if reached and reached[-1] is not None else None


def write_all(records: Iterable[Record]) -> str:
    """Return the report on all results: for each budget the systems, and for each generated table the fidelities."""
    compared: dict[float, list[Record]] = {}
    generated: dict[tuple[str, float], dict[str, Record]] = {}
    fidelities = {system: name for name, system in FIDELITIES.items()}
    for record in records:
        run = record.run
        if run.data.startswith(GENERATED):
            generated.setdefault((run.data, run.budget_seconds), {})[fidelities[run.system]] = record
        else:
            compared.setdefault(run.budget_seconds, []).append(record)
    parts = [f"#### {budget:g} s\n\n{write_report(each)}" for budget, each in compared.items()]
    parts += [f"#### {name}, {budget:g} s\n\n{write_fidelities(each)}" for (name, budget), each in generated.items()]
    return "\n".join(parts)


def write_report(records: Sequence[Record]) -> str:
    """Return ranks, and errors against time and trials, as Markdown."""
    sets: dict[str, dict[str, Record]] = {}
    for record in records:
        sets.setdefault(record.run.data, {})[record.run.system] = record
    systems = list(dict.fromkeys(record.run.system for record in records))
    lines = ["| | " + " | ".join(systems) + " |", "|---" * (len(systems) + 1) + "|"]
    lines.append(_write_row("mean rank, held-out (95 % interval over sets)", _write_ranks(sets, systems)))
    trials = [[r.models for each in sets.values() if (r := each.get(s)) and r.models] for s in systems]
    lines.append(_write_row("trials, median", [f"{np.median(each):.0f}" if each else "" for each in trials]))
    lines += ["", "| data | system | trials | validation | held-out | " + " | ".join(_name_shares()) + " |"]
    lines.append("|---" * (5 + 2 * len(SHARES)) + "|")
    for name, each in sets.items():
        lines += [_write_run(name, each[system]) for system in systems if system in each]
    return "\n".join(lines) + "\n"


def write_fidelities(records: Mapping[str, Record]) -> str:
    """Return how soon trials of parts of a table, and whole ones, found what both found, as Markdown."""
    lines = ["| trials | best validation | held-out | trials made | best after | both's best after |", "|---" * 6 + "|"]
    searched = {name: record for name, record in records.items() if record.trace and not record.failure}
    goal = max((record.trace[-1]["validation"] for record in searched.values()), default=float("nan"))
    reached = {}
    for fidelity, record in records.items():
        if fidelity not in searched:
            lines.append(f"| {fidelity} | {record.failure or 'no trial'} | | | | |")
            continue
        last = record.trace[-1]
        reached[fidelity] = next(point["seconds"] for point in record.trace if point["validation"] <= goal)
        figures = [f"{last['validation']:.5f}", f"{record.error:.5f}", str(record.models), f"{last['seconds']:.1f} s"]
        lines.append(_write_row(fidelity, [*figures, f"{reached[fidelity]:.1f} s"]))
    if len(reached) == len(FIDELITIES):
        factor = reached["full"] / reached["multi"]
        lines += ["", f"Parts of the table are {factor:.2f} times as fast to {goal:.5f}, which both reached."]
    return "\n".join(lines) + "\n"


def _write_ranks(sets: Mapping[str, Mapping[str, Record]], systems: Sequence[str]) -> list[str]:
    complete = [each for each in sets.values() if len(each) == len(systems)]
    ranks = [rank({s: _error_of(each[s]) for s in systems}) for each in complete]
    if not ranks:
        return [""] * len(systems)
    estimates = [bootstrap([each[system] for each in ranks]) for system in systems]
    return [f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in estimates]


def _error_of(record: Record) -> float:
    return float("inf") if record.error is None else record.error


def _name_shares() -> list[str]:
    return [f"{figure} at {share:.0%}" for figure in ("validation", "held-out") for share in SHARES]


def _write_run(name: str, record: Record) -> str:
    if record.failure:
        return _write_row(name, [record.run.system, "failed", *[""] * (2 + 2 * len(SHARES))])
    budget = record.run.budget_seconds
    curve = [best_at(record, share * budget, figure) for figure in ("validation", "error") for share in SHARES]
    last = best_at(record, float("inf"), "validation")
    figures = ["" if value is None else f"{value:.5g}" for value in (last, record.error, *curve)]
    return _write_row(name, [record.run.system, str(record.models), *figures])


def _write_row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with manifest.json")
    parser.add_argument("--rows", type=int, default=0, help="of the generated table; compares fidelities")
    parser.add_argument("--columns", type=int, default=20, help="of the generated table")
    parser.add_argument("--budget", type=float, default=100.0, help="seconds for each search")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--sets", default="", help="names of data sets, separated by commas; all, if not given")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the systems")
    parser.add_argument("--again", default="", help="systems to run anew although there are results")
    parser.add_argument("--python", action="append", default=[], metavar="ENVIRONMENT=PATH", help="as in bench-tabular")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are and go")
    read = parser.parse_args(arguments)
    if read.data and read.rows:
        parser.error("--data and --rows are different benchmarks")
    read.systems, read.sets, read.again = (
        [part for part in text.split(",") if part] for text in (read.systems, read.sets, read.again)
    )
    if strangers := [name for name in read.systems if name not in SYSTEMS]:
        parser.error(f"there is no system {strangers[0]!r}; there are {', '.join(SYSTEMS)}")
    return read


def main() -> None:
    arguments = read_arguments()
    systems = arguments.systems if arguments.data else tuple(FIDELITIES.values())
    plan = Plan(
        sets=read_manifest(arguments.data, arguments.sets) if arguments.data else [],
        systems=systems,
        budgets=[arguments.budget],
        seed=arguments.seed,
        weighted=False,
        cores=choose_cores(),
        pythons=find_pythons(systems, arguments.python),
        again=arguments.again,
    )
    if arguments.data:
        compare_systems(plan, arguments.results)
    if arguments.rows:
        compare_fidelities(plan, arguments.rows, arguments.columns, arguments.results)
    text = write_all(read_records(arguments.results).values())
    arguments.results.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}")


if __name__ == "__main__":
    main()
