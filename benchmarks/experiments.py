"""Tries what the engine's rules were decided by, each rule against its alternative, on the same splits.

python -m benchmarks.experiments --data FOLDER --try rounds,quantiser,columns,ensemble [--sets a,b] [--seeds 0,1,2]

A quarter of each set is held out by `benchmarks/splits.py`; every figure is of these rows unless it says otherwise.
Prints Markdown tables, which `benchmarks/experiments.md` keeps with what they decided.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import PredefinedSplit

from benchmarks.splits import DataSet, read_manifest, write_split
from benchmarks.tabular_systems.gyropilot import OBJECTIVES
from gyropilot.engine import Budget, ProblemType, Task, run
from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.algorithms.views import ALL, COLUMNS, begin_fit
from gyropilot.engine.contracts import HOLDOUT, Fit, Parameters, TrainingData
from gyropilot.engine.data.source import Files
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.ensemble.greedy import fit_ensemble
from gyropilot.engine.events import CandidateFinished
from gyropilot.engine.lanes.candidate import PATIENCE, PATIENCE_SHARE
from gyropilot.engine.metrics.catalogue import Metric, find_metric, stand_ins, surrogate
from gyropilot.engine.problems.tabular.prepare import Prepared, prepare

CHUNK = 25
MAX_ROUNDS = 3000
GREEDY_STEPS = 25

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A set's training rows in folds, and its test rows as rows that are only scored."""

    prepared: Prepared
    data: TrainingData

    @property
    def test(self) -> NDArray[np.int64]:
        """The rows held out."""
        return self.data.validation_rows(HOLDOUT)

    def measure(self, predictions: Numbers, rows: NDArray[np.int64], metric: Metric | None = None) -> float:
        """Return the loss of predictions of some rows."""
        metric = metric or surrogate(self.data.problem_type)
        loss = metric.loss(self.data.target[rows], predictions, self.data.weights[rows])
        return loss**0.5 if metric.name == "mse" else loss


def open_table(data: DataSet, seed: int, folder: Path) -> Table:
    """Return a set, divided and prepared."""
    split = write_split(data, seed=seed, folder=folder)
    task = Task(target=data.target, problem_type=ProblemType(data.problem), seed=seed)
    train, test = _source(split.train), _source(split.test)
    prepared = prepare(train, test, task, folder)
    return Table(prepared=prepared, data=read_training_data(folder / "data"))


# --- single configurations --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A configuration's fits and their loss curves."""

    fits: list[Fit]
    curves: Numbers
    """(folds, rounds)."""
    seconds: float
    """Processor time."""

    def predict_test(self, table: Table, steps: Sequence[int]) -> Numbers:
        """Return what the folds' models of so many rounds say of the test rows, on average."""
        raw = np.mean([fit.score_rows(table.test, each) for fit, each in zip(self.fits, steps, strict=True)], axis=0)
        return to_predictions(raw, table.data.problem_type)


def train(table: Table, algorithm: str, parameters: Parameters, seed: int) -> Trained:
    """Train a configuration's folds in step until its mean curve has stopped falling."""
    began = time.process_time()
    folds = range(table.prepared.fold_count)
    fits = [begin_fit(table.data, algorithm, fold, parameters, seed) for fold in folds]
    curves: list[list[float]] = [[] for _ in folds]
    while len(curves[0]) < MAX_ROUNDS:
        target = len(curves[0]) + CHUNK
        is_finished = False
        for fit, curve in zip(fits, curves, strict=True):
            while len(curve) < target and not is_finished:
                progress = fit.advance(target - len(curve), 3600)
                curve += progress.losses
                is_finished = progress.is_finished
        common = min(map(len, curves))
        mean = np.mean([curve[:common] for curve in curves], axis=0)
        best = int(mean.argmin()) + 1
        if is_finished or common - best >= PATIENCE + PATIENCE_SHARE * best:
            break
    common = min(map(len, curves))
    return Trained(
        fits=fits,
        curves=np.array([curve[:common] for curve in curves]),
        seconds=time.process_time() - began,
    )


def default_of(algorithm: str, table: Table) -> Parameters:
    """Return the configuration of an algorithm that is tried first."""
    configurations = ALGORITHMS[algorithm].configurations(table.data.problem_type, table.prepared.rows)
    return min(configurations, key=lambda each: each.priority).parameters


def try_rounds(table: Table, seed: int) -> Iterator[Mapping[str, Any]]:
    """E2: one common number of rounds for all folds, against each fold's own best."""
    trained = train(table, "lightgbm", default_of("lightgbm", table), seed)
    curves, folds = trained.curves, len(trained.curves)
    common = int(curves.mean(axis=0).argmin()) + 1
    others = curves.sum(axis=0) - curves
    honest = [float(curve[other.argmin()]) for curve, other in zip(curves, others, strict=True)]
    rules = {
        "common": ([common] * folds, float(np.mean(honest))),
        "own": ((curves.argmin(axis=1) + 1).tolist(), float(curves.min(axis=1).mean())),
    }
    for rule, (steps, shown) in rules.items():
        shown = shown**0.5 if table.data.problem_type is ProblemType.REGRESSION else shown
        # A mean of folds is better than one fold: only single models show what cross-validation claims.
        single = float(
            np.mean(
                [
                    table.measure(to_predictions(fit.score_rows(table.test, each), table.data.problem_type), table.test)
                    for fit, each in zip(trained.fits, steps, strict=True)
                ]
            )
        )
        test = table.measure(trained.predict_test(table, steps), table.test)
        yield {"rule": rule, "rounds": str(steps), "shown": shown, "one fold, test": single, "all folds, test": test}


def try_quantiser(table: Table, seed: int) -> Iterator[Mapping[str, Any]]:
    """E4: the shared 255 codes, against each library's own cuts of the numbers."""
    # What the libraries are given for codes are the numbers themselves: they find their own cuts of these.
    numbers = replace(table.data, codes=cast(Any, table.data.features), cache={})
    for algorithm in ("xgboost", "catboost"):
        parameters = default_of(algorithm, table)
        for rule, data in (("shared codes", table.data), ("own cuts", numbers)):
            seen = replace(table, data=data)
            trained = train(seen, algorithm, parameters, seed)
            steps = [int(trained.curves.mean(axis=0).argmin()) + 1] * len(trained.fits)
            test = table.measure(trained.predict_test(seen, steps), table.test)
            yield {"rule": f"{algorithm}, {rule}", "rounds": steps[0], "test": test, "CPU s": trained.seconds}


def try_columns(table: Table, seed: int) -> Iterator[Mapping[str, Any]]:
    """E5: plain columns, against plain and derived ones."""
    if not table.data.column_folds:
        yield {"rule": "nothing was derived", "rounds": "", "shown": "", "test": "", "CPU s": ""}
        return
    parameters = default_of("lightgbm", table)
    for rule, settings in (("plain", parameters), ("derived, too", {**parameters, COLUMNS: ALL})):
        trained = train(table, "lightgbm", settings, seed)
        mean = trained.curves.mean(axis=0)
        steps = int(mean.argmin()) + 1
        shown = float(mean.min())
        yield {
            "rule": rule,
            "rounds": steps,
            "shown": shown**0.5 if table.data.problem_type is ProblemType.REGRESSION else shown,
            "test": table.measure(trained.predict_test(table, [steps] * len(trained.fits)), table.test),
            "CPU s": trained.seconds,
        }


# --- ensembles --------------------------------------------------------------------------------------------------------


def try_ensemble(data: DataSet, seed: int, folder: Path) -> Iterator[Mapping[str, Any]]:
    """E7: ways to weigh the portfolio's candidates."""
    split = write_split(data, seed=seed, folder=folder)
    kind = ProblemType(data.problem)
    task = Task(target=data.target, problem_type=kind, objective=OBJECTIVES[data.problem], seed=seed)
    events = run([split.train], task, Budget(), folder=folder / "run", validation=[split.test], data_format="parquet")
    names = [event.result.id for event in events if isinstance(event, CandidateFinished)]
    found = [folder / "run" / "candidates" / name / "predictions.npy" for name in names if name != "c100"]
    stacked = np.stack([np.load(path, allow_pickle=False) for path in found])
    table = Table(
        prepared=prepare(_source(split.train), _source(split.test), task, folder / "run"),
        data=read_training_data(folder / "run" / "data"),
    )
    metric = find_metric(kind, OBJECTIVES[data.problem])
    for rule, weights in _weigh(table, stacked, stand_ins(kind, metric), seed).items():
        mixed = np.tensordot(weights, stacked[:, table.test], axes=1)
        yield {"rule": rule, "members": int((weights > 0).sum()), "test": _turned(table, mixed, metric)}
    yield {"rule": "linear stacking", "members": len(stacked), "test": _turned(table, _stack(table, stacked), metric)}


def _stack(table: Table, stacked: Numbers) -> Numbers:
    """Return what a linear model of the candidates, its penalty cross-validated, says of the test rows."""
    data = table.data
    learned = np.flatnonzero(data.folds != HOLDOUT)
    folds = PredefinedSplit(data.folds[learned])
    if data.problem_type is ProblemType.REGRESSION:
        model = RidgeCV(alphas=np.geomspace(1e-3, 1e3, 7) * stacked[0, learned].var(), cv=folds)
        model.fit(stacked[:, learned].T, data.target[learned], sample_weight=data.weights[learned])
        predicted: Numbers = model.predict(stacked[:, table.test].T)
        return predicted
    logarithms = np.log(np.clip(stacked, 1e-6, 1))
    inputs = logarithms.transpose(1, 0, 2).reshape(logarithms.shape[1], -1)
    model = LogisticRegressionCV(Cs=np.geomspace(1e-5, 1, 6), cv=folds, scoring="neg_log_loss", max_iter=2000)
    model.fit(inputs[learned], data.target[learned], sample_weight=data.weights[learned])
    probabilities: Numbers = model.predict_proba(inputs[table.test])
    return probabilities


def _source(path: Path) -> Files:
    return Files(paths=[path], data_format="parquet")


def _turned(table: Table, predictions: Numbers, metric: Metric) -> float:
    loss = table.measure(predictions, table.test, metric)
    return 1 + loss if metric.higher_is_better else loss


def _weigh(table: Table, stacked: Numbers, losses: Sequence[Metric], seed: int) -> dict[str, Numbers]:
    """Return the weights of each rule, learned from the rows that are not held out."""
    data = table.data
    learned = np.flatnonzero(data.folds != HOLDOUT)

    def judge(predictions: Numbers) -> float:
        return sum(metric.loss(data.target[learned], predictions, data.weights[learned]) for metric in losses)

    alone = [judge(each) for each in stacked[:, learned]]
    order = np.argsort(alone)
    ensemble = fit_ensemble(list(stacked), data.target, data.weights, data.folds, losses, seed=seed)
    return {
        "best candidate": _mark(order[:1], len(stacked)),
        "plain greedy": _greedy(stacked[:, learned], judge),
        "mean of the best 3": _mark(order[:3], len(stacked)),
        "mean of all": _mark(order, len(stacked)),
        "Gyropilot's": ensemble.weights,
    }


def _mark(chosen: NDArray[np.int64], count: int) -> Numbers:
    weights = np.zeros(count)
    weights[chosen] = 1 / len(chosen)
    return weights


def _greedy(stacked: Numbers, judge: Callable[[Numbers], float]) -> Numbers:
    """Return the weights of Caruana's ensemble on all rows at once: what AutoGluon does."""
    counts, total = np.zeros(len(stacked)), np.zeros_like(stacked[0])
    best, kept = np.inf, counts
    for step in range(1, GREEDY_STEPS + 1):
        trials = [judge((total + each) / step) for each in stacked]
        chosen = int(np.argmin(trials))
        total, counts = total + stacked[chosen], counts + np.eye(len(stacked))[chosen]
        if trials[chosen] < best:
            best, kept = trials[chosen], counts
    weights: Numbers = kept / kept.sum()
    return weights


# --- the command ------------------------------------------------------------------------------------------------------

EXPERIMENTS = {"rounds": try_rounds, "quantiser": try_quantiser, "columns": try_columns}


def measure(experiment: str, data: DataSet, seed: int) -> list[Mapping[str, Any]]:
    """Return the rows of an experiment's table for one set and seed."""
    with tempfile.TemporaryDirectory(prefix="gyropilot-experiment-") as folder:
        if experiment == "ensemble":
            return list(try_ensemble(data, seed, Path(folder)))
        return list(EXPERIMENTS[experiment](open_table(data, seed, Path(folder)), seed))


def format_row(cells: Sequence[Any]) -> str:
    """Return a line of a Markdown table."""
    return "| " + " | ".join(f"{cell:.5g}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.json")
    parser.add_argument("--try", dest="tried", default="rounds,quantiser,columns,ensemble")
    parser.add_argument("--sets", default="", help="names of data sets; all, if not given")
    parser.add_argument("--seeds", default="0")
    read = parser.parse_args()
    sets = read_manifest(read.data, [name for name in read.sets.split(",") if name])
    for experiment in read.tried.split(","):
        is_first = True
        for data in sets:
            for seed in map(int, read.seeds.split(",")):
                for row in measure(experiment, data, seed):
                    if is_first:
                        print(f"\n{experiment}\n\n{format_row(['set', 'seed', *row])}")
                        print(format_row(["---"] * (len(row) + 2)))
                        is_first = False
                    print(format_row([data.name, seed, *row.values()]), flush=True)


if __name__ == "__main__":
    main()
