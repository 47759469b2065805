"""Compares hyperparameter tuning: Gyropilot, plain Optuna-tuned XGBoost and FLAML, in equal time on equal cores.

python -m benchmarks.hpo --data FOLDER [--budget 100] [--systems gyropilot-tuning,flaml] [--sets a,b] [--seed 0]
python -m benchmarks.hpo --rows 1000000 [--columns 100] [--budget 600]

The first form runs every system on every table of a folder and tells the best validation and held-out error against
trials and seconds. The second tunes on one table of the generator of `benchmarks/growth.py`, once with trials that
compete for rows and rounds and once with trials that see all of both, and tells when the first was as good as the
second. Results are lines of `benchmarks/results/hpo.jsonl`; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
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
SHARES = (0.25, 0.5, 0.75, 1.0)
"""At these shares of the budget the best so far is told."""


def compare_systems(plan: Plan, results: Path) -> list[Record]:
    """Run what there is no result of, and return all results."""
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
    records = read_records(results)
    return [records[run] for _, run in plan.runs()]


def compare_fidelities(plan: Plan, rows: int, columns: int, results: Path) -> dict[str, Record]:
    """Tune on one long table with trials of a part of it, and with whole ones, and return both results."""
    data = DataSet(name=f"growth_{rows}x{columns}", path=Path(), target=TARGET, problem="binary", weight="")
    (budget,) = plan.budgets
    found = {}
    with tempfile.TemporaryDirectory(prefix="gyropilot-hpo-") as name:
        folder = Path(name)
        split = Split(train=folder / "train.parquet", test=folder / "test.parquet")
        pq.write_table(make_table(rows, columns, plan.seed + 1), split.train)
        pq.write_table(make_table(TEST_ROWS, columns, plan.seed + 2), split.test)
        for fidelity, system in FIDELITIES.items():
            run = plan.run_of(data, system, budget)
            known = read_records(results).get(run)
            if known is None or system in plan.again:
                known = measure_run(plan, data, run, split, folder)
                append_record(results, known)
            found[fidelity] = known
    return found


def best_at(record: Record, seconds: float, figure: str) -> float | None:
    """Return a figure of the best model that a search had after so many seconds; None where that is not known."""
    reached = [point[figure] for point in record.trace if point["seconds"] <= seconds]
    return reached[-1] if reached and reached[-1] is not None else None


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
    """Return when trials of a part of a table were as good as whole ones, as Markdown."""
    lines = ["| trials | best validation | held-out | trials made | reached after |", "|---|---|---|---|---|"]
    whole = records["full"]
    goal = whole.trace[-1]["validation"] if whole.trace else float("nan")
    reached = {}
    for fidelity, record in records.items():
        if record.failure or not record.trace:
            lines.append(f"| {fidelity} | {record.failure or 'no trial'} | | | |")
            continue
        reached[fidelity] = next((p["seconds"] for p in record.trace if p["validation"] <= goal), float("nan"))
        best = record.trace[-1]["validation"]
        lines.append(f"| {fidelity} | {best:.5f} | {record.error:.5f} | {record.models} | {reached[fidelity]:.1f} s |")
    if len(reached) == len(FIDELITIES):
        lines += ["", f"Parts reach the best of whole trials {reached['full'] / reached['multi']:.2f} times as fast."]
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
    parser.add_argument("--columns", type=int, default=100, help="of the generated table")
    parser.add_argument("--budget", type=float, default=100.0, help="seconds for each search")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--sets", default="", help="names of data sets, separated by commas; all, if not given")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the systems")
    parser.add_argument("--again", default="", help="systems to run anew although there are results")
    parser.add_argument("--python", action="append", default=[], metavar="ENVIRONMENT=PATH", help="as in bench-tabular")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are and go")
    read = parser.parse_args(arguments)
    if read.data is None and not read.rows:
        parser.error("--data or --rows must be given")
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
    text = ""
    if arguments.data:
        text += write_report(compare_systems(plan, arguments.results))
    if arguments.rows:
        text += write_fidelities(compare_fidelities(plan, arguments.rows, arguments.columns, arguments.results))
    arguments.results.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}")


if __name__ == "__main__":
    main()
