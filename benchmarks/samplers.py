"""Tries what proposes trials: the best loss of cross-validated XGBoost after some trials with each Optuna sampler.

python -m benchmarks.samplers --data FOLDER --sets a,b [--rows 2000] [--seeds 0,1] [--trials 24] [--samplers tpe;gp]

Every search begins with the engine's good starts. A quarter of each set is held out by `benchmarks/splits.py` and not
looked at. Prints a Markdown table, which `benchmarks/experiments.md` keeps with what it decided.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pyarrow as pa
import pyarrow.csv

from benchmarks.experiments import Table, format_row, open_table, train
from benchmarks.splits import DataSet, read_manifest, read_table
from gyropilot.engine.search.spaces import Workload, find_space
from gyropilot.engine.search.tuner import CANDIDATES, RANDOM_TRIALS
from gyropilot.engine.tuning import Range

SAMPLERS: Mapping[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(
        multivariate=True, group=True, n_startup_trials=RANDOM_TRIALS, n_ei_candidates=CANDIDATES, seed=seed
    ),
    "tpe, one by one": lambda seed: optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(n_startup_trials=RANDOM_TRIALS, seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(scramble=True, seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def shorten(data: DataSet, rows: int, folder: Path) -> DataSet:
    """Return a set of so many rows of another, drawn at random."""
    table = read_table(data)
    chosen = np.random.default_rng(0).permutation(len(table))[:rows]
    path = folder / "rows.csv"
    pa.csv.write_csv(table.take(chosen), path)
    return replace(data, path=path)


def search(table: Table, sampler: str, trials: int, seed: int) -> tuple[list[float], float]:
    """Return the loss of each trial in turn, and the seconds that proposing them took."""
    rows = int(0.8 * table.prepared.rows)
    size = Workload(rows=rows, columns=table.data.codes.shape[1], outputs=table.data.output_count, folds=5)
    tuned = find_space("xgboost", table.data.problem_type, size, {})
    ranges = {name: within for name, within in tuned.space.items() if isinstance(within, Range)}
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
    for start in tuned.starts:
        study.enqueue_trial(dict(start))
    losses, seconds = [], 0.0
    for _ in range(trials):
        began = time.process_time()
        trial = study.ask()
        parameters = {name: _suggest(trial, name, within) for name, within in ranges.items()}
        seconds += time.process_time() - began
        losses.append(float(train(table, "xgboost", parameters, seed).curves.mean(axis=0).min()))
        study.tell(trial, losses[-1])
    return losses, seconds


def _suggest(trial: optuna.Trial, name: str, within: Range) -> float:
    if within.is_whole:
        return trial.suggest_int(name, int(within.low), int(within.high), log=within.is_logarithmic)
    return trial.suggest_float(name, within.low, within.high, log=within.is_logarithmic)


def summarise(name: str, found: Mapping[str, Sequence[tuple[list[float], float]]], trials: int) -> list[str]:
    """Return a set's lines: how far the best losses after parts of the trials lie above the best of all searches."""
    best = min(min(losses) for searches in found.values() for losses, _ in searches)
    lines = []
    for sampler, searches in found.items():
        after = [
            np.mean([min(losses[: round(share * trials)]) for losses, _ in searches]) for share in (1 / 3, 2 / 3, 1)
        ]
        seconds = float(np.mean([seconds for _, seconds in searches])) / trials
        above = [f"{100 * (each / best - 1):.2f} %" for each in after]
        lines.append(format_row([name, sampler, *above, f"{1000 * seconds:.0f} ms"]))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.json")
    parser.add_argument("--sets", required=True, help="names of data sets")
    parser.add_argument("--rows", type=int, default=3000, help="of each set at most")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--samplers", default=";".join(SAMPLERS), help="separated by semicolons")
    read = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    shares = [f"after {round(share * read.trials)}" for share in (1 / 3, 2 / 3, 1)]
    print(format_row(["set", "sampler", *shares, "to propose"]))
    print(format_row(["---"] * 6), flush=True)
    for data in read_manifest(read.data, read.sets.split(",")):
        found: dict[str, list[tuple[list[float], float]]] = {name: [] for name in read.samplers.split(";")}
        with tempfile.TemporaryDirectory(prefix="gyropilot-experiment-") as folder:
            table: Any = open_table(shorten(data, read.rows, Path(folder)), 0, Path(folder))
            for name, searches in found.items():
                searches += [search(table, name, read.trials, seed) for seed in map(int, read.seeds.split(","))]
        print("\n".join(summarise(data.name, found, read.trials)), flush=True)


if __name__ == "__main__":
    main()
