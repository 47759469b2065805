"""Compares tabular systems: equal data, split, budget and cores, one process and one environment for each.

python -m benchmarks.tabular --data FOLDER [--budgets 60,300] [--systems gyropilot,flaml] [--sets a,b] [--seed 0]

Every result is written to `benchmarks/results/tabular.jsonl` as soon as it is there; what is in that file already is
not run again. The report is printed and written beside it as Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.children import Outcome, run_child
from benchmarks.environments import ROOT, prepare_environment
from benchmarks.machine import describe_machine
from benchmarks.records import Record, Run, append_record, read_records
from benchmarks.scores import measure_error
from benchmarks.splits import DataSet, Split, read_manifest, write_split
from benchmarks.tabular_report import write_report
from benchmarks.tabular_systems.protocol import CORES, predictions_path

RESULTS = ROOT / "benchmarks" / "results" / "tabular.jsonl"
PROJECT = "project"
"""The environment that this program runs in."""
LIMIT_FACTOR = 3.0
LIMIT_SECONDS = 120.0
"""A process is killed after thrice its budget and two minutes: it predicts, too."""


@dataclass(frozen=True, kw_only=True)
class SystemProgram:
    """How a system is started."""

    module: str
    """In `benchmarks.tabular_systems`."""
    environment: str = PROJECT
    """Whose Python runs it: the project's, or the name of a list of packages there."""
    options: Sequence[str] = ()


SYSTEMS: Mapping[str, SystemProgram] = {
    "gyropilot": SystemProgram(module="gyropilot"),
    "autogluon-medium": SystemProgram(
        module="autogluon", environment="autogluon", options=["--preset", "medium_quality"]
    ),
    "autogluon-high": SystemProgram(module="autogluon", environment="autogluon", options=["--preset", "high_quality"]),
    "autogluon-best": SystemProgram(module="autogluon", environment="autogluon", options=["--preset", "best_quality"]),
    "flaml": SystemProgram(module="flaml", environment="flaml"),
    "lightgbm": SystemProgram(module="lightgbm"),
    "gyropilot-tuning": SystemProgram(module="gyropilot", options=["--mode", "hyperparameter_tuning"]),
    "gyropilot-tuning-whole": SystemProgram(module="gyropilot", options=["--mode", "hyperparameter_tuning", "--whole"]),
    "optuna-xgboost": SystemProgram(module="optuna_xgboost"),
}
COMPARED = tuple(SYSTEMS)[:-3]
"""Those of this benchmark; the others are those of `benchmarks/hpo.py`."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run."""

    sets: Sequence[DataSet]
    systems: Sequence[str]
    budgets: Sequence[float]
    seed: int
    weighted: bool
    cores: Sequence[int]
    """The processor cores of each system's process."""
    pythons: Mapping[str, Path]
    """The Python of each environment."""
    again: Sequence[str] = ()
    """Systems whose earlier results are not kept."""

    def runs(self) -> list[tuple[DataSet, Run]]:
        """Return all runs; the systems follow each other on each set, so that they meet the same machine."""
        return [
            (data, self.run_of(data, system, budget))
            for budget in self.budgets
            for data in self.sets
            for system in self.systems
        ]

    def run_of(self, data: DataSet, system: str, budget: float) -> Run:
        """Return what one result is of."""
        return Run(
            data=data.name,
            system=system,
            budget_seconds=budget,
            seed=self.seed,
            cores=len(self.cores),
            weighted=self.weighted,
        )


@dataclass
class Bench:
    """Runs a plan and keeps its results."""

    plan: Plan
    results: Path
    folder: Path
    """Where splits and models lie while they are needed."""
    _splits: dict[str, Split] = field(default_factory=dict)

    def run(self) -> None:
        """Run what there is no result of."""
        records = read_records(self.results)
        runs = self.plan.runs()
        for number, (data, run) in enumerate(runs, 1):
            if run in records and run.system not in self.plan.again:
                continue
            print(f"[{number}/{len(runs)}] {run.data}, {run.budget_seconds:g} s, {run.system}: ", end="", flush=True)
            record = self._measure(data, run)
            append_record(self.results, record)
            print(_summarise(record), flush=True)

    def _measure(self, data: DataSet, run: Run) -> Record:
        if data.name not in self._splits:
            self._splits[data.name] = write_split(data, seed=run.seed, folder=self.folder / data.name)
        return measure_run(self.plan, data, run, self._splits[data.name], self.folder)


def measure_run(plan: Plan, data: DataSet, run: Run, split: Split, folder: Path) -> Record:
    """Run a system once, in a process and a temporary folder of its own, and score its predictions."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        out = Path(place) / "result.json"
        outcome = run_child(
            _command(plan, data, run, split, out),
            folder=Path(place),
            environment=_environment(),
            cores=plan.cores,
            limit_seconds=LIMIT_FACTOR * run.budget_seconds + LIMIT_SECONDS,
        )
        return _record(data, run, split, outcome, out)


def _command(plan: Plan, data: DataSet, run: Run, split: Split, out: Path) -> list[str]:
    program = SYSTEMS[run.system]
    command = [str(plan.pythons[program.environment]), "-m", f"benchmarks.tabular_systems.{program.module}"]
    command += [*program.options, "--train", str(split.train), "--test", str(split.test)]
    command += [f"--target={data.target}", "--problem", data.problem, "--budget", f"{run.budget_seconds:g}"]
    command += ["--seed", str(run.seed), "--out", str(out), "--model", str(out.parent / "model")]
    return command + ([f"--weight={data.weight}"] if run.weighted and data.weight else [])


def _environment() -> dict[str, str]:
    """Return the environment of a system's process: this repository is on its path, so that its engine is measured."""
    paths = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "RAY_USAGE_STATS_ENABLED": "0",  # AutoGluon's: nobody is to be told of a benchmark while it runs
    }


def _record(data: DataSet, run: Run, split: Split, outcome: Outcome, out: Path) -> Record:
    common: dict[str, Any] = {
        "run": run,
        "metric": data.problem,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": outcome.wall_seconds,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "machine": describe_machine(),
    }
    if outcome.failure:
        return Record(failure=outcome.failure.replace(f"{ROOT}/", ""), **common)
    try:
        figures = json.loads(out.read_bytes())
        classes = figures.pop("classes")
        error = score(data, split, np.load(predictions_path(out)), classes, weighted=run.weighted)
    except (OSError, ValueError, KeyError) as problem:
        return Record(failure=f"no usable result: {problem}", **common)
    size = sum(path.stat().st_size for path in (out.parent / "model").rglob("*") if path.is_file())
    return Record(error=error, model_bytes=size, **figures, **common)


def score(data: DataSet, split: Split, predictions: Any, classes: Sequence[str], *, weighted: bool) -> float:
    """Return the error of the predictions of the held-out rows."""
    columns = [data.target, *([data.weight] if weighted and data.weight else [])]
    table = pq.read_table(split.test, columns=columns)
    answers = table.column(data.target).to_pylist()
    weights = table.column(data.weight).to_numpy() if len(columns) > 1 else None
    return measure_error(data.problem, answers, predictions, classes, weights)


def _summarise(record: Record) -> str:
    if record.failure:
        return f"FAILED, {record.failure.splitlines()[-1][:160]}"
    return (
        f"{record.error:.5g} after {record.fit_seconds:.1f} s, {record.models} models, "
        f"{record.peak_memory_bytes / 2**20:.0f} MiB, one row {1000 * (record.one_row_seconds or 0):.3g} ms"
    )


def report(plan: Plan, results: Path) -> str:
    """Return the report on the plan's runs that have a result."""
    records = read_records(results)
    return write_report([records[run] for _, run in plan.runs() if run in records], plan.systems)


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.json")
    parser.add_argument("--budgets", type=_split, default=["60", "300"], help="seconds, separated by commas")
    parser.add_argument("--systems", type=_split, default=list(COMPARED), help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--sets", type=_split, default=[], help="names of data sets; all, if not given")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the systems")
    parser.add_argument("--weights", action="store_true", help="use the sets' weight columns as row weights")
    parser.add_argument("--again", type=_split, default=[], help="systems to run anew although there are results")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="ENVIRONMENT=PATH",
        help="a Python that has a system's packages, instead of one in .venvs",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are and go")
    parser.add_argument("--report-only", action="store_true", help="run nothing")
    read = parser.parse_args(arguments)
    for name in [*read.systems, *read.again]:
        if name not in SYSTEMS:
            parser.error(f"there is no system {name!r}; there are {', '.join(SYSTEMS)}")
    return read


def _split(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def find_pythons(systems: Sequence[str], given: Sequence[str]) -> dict[str, Path]:
    """Return the Python of each environment that the systems need; those not given are made."""
    pythons = {PROJECT: Path(sys.executable)}
    for text in given:
        name, _, path = text.partition("=")
        pythons[name] = Path(path).absolute()
    for name in {SYSTEMS[system].environment for system in systems} - pythons.keys():
        pythons[name] = prepare_environment(name)
    return pythons


def choose_cores() -> list[int]:
    """Return the cores of every system, the first of those that this process may use."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    if len(cores) < CORES:
        print(f"warning: there is only {len(cores)} core; the systems are told {CORES}", file=sys.stderr)
    return cores


def main() -> None:
    arguments = read_arguments()
    plan = Plan(
        sets=read_manifest(arguments.data, arguments.sets),
        systems=arguments.systems,
        budgets=[float(seconds) for seconds in arguments.budgets],
        seed=arguments.seed,
        weighted=arguments.weights,
        cores=choose_cores(),
        pythons={} if arguments.report_only else find_pythons(arguments.systems, arguments.python),
        again=arguments.again,
    )
    if not arguments.report_only:
        with tempfile.TemporaryDirectory(prefix="gyropilot-benchmark-") as folder:
            Bench(plan=plan, results=arguments.results, folder=Path(folder)).run()
    text = report(plan, arguments.results)
    arguments.results.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}")


if __name__ == "__main__":
    main()
