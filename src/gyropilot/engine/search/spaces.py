"""What is tuned of each algorithm: ranges of its hyperparameters, and values that are good on most tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gyropilot.engine.algorithms.networks.mlp import MLP
from gyropilot.engine.contracts import Parameters
from gyropilot.engine.errors import TaskError
from gyropilot.engine.task import ProblemType
from gyropilot.engine.tuning import Choice, Range, Space

FEW_ROWS = 5000
"""Tables of up to so many rows begin with small, random trees."""
MANY_CELLS = 8_000_000
"""Lines with more numbers than this to learn from are fitted by stochastic gradient descent."""
MOST_ROUNDS = 2000
TRIAL_SHARE = 1 / 10
"""With a limit of time a whole trial is laid out to take about so much of it, as far as its parameters allow."""
TRAVEL = 15
"""Rounds times `eta` after which more rounds hardly help, on most tables."""
HIGHEST_LOW_RATE = 0.2
LEAST_ROUNDS, LEAST_EPOCHS, LEAST_EPOCH_ROWS = 100, 6, 20_000
CELL_SECONDS, COLUMN_SECONDS = 6e-9, 5e-5
"""What a tree of usual depth takes for each number that it learns from, and for each column's histograms."""
ROW_SECONDS, NUMBER_SECONDS = 2e-5, 6e-7
"""What a network of usual size takes for each row that it learns from, and for each number of it."""
PASS_SECONDS, MOST_PASSES = 5e-7, 10
"""What stochastic gradient descent takes for each number that it learns from, and how often it sees a row at most."""

XGBOOST: Space = {
    "eta": Range(low=0.01, high=0.3),
    "max_depth": Range(low=2, high=10, is_whole=True),
    "min_child_weight": Range(low=1e-3, high=32),
    "gamma": Range(low=1e-6, high=4),
    "subsample": Range(low=0.5, high=1, is_logarithmic=False),
    "colsample_bytree": Range(low=0.3, high=1, is_logarithmic=False),
    "lambda": Range(low=1e-3, high=20),
    "alpha": Range(low=1e-6, high=5),
}
LINES: Space = {"wd": Range(low=1e-7, high=1)}
STOCHASTIC_LINES: Space = {
    "wd": Range(low=1e-7, high=1),
    "l1": Range(low=1e-7, high=1),
    "learning_rate": Range(low=1e-4, high=1),
}
NETWORKS: Space = {
    "layers": Choice(values=("64", "128", "256", "128, 64", "256, 128", "256, 256, 256")),
    "activation": Choice(values=("silu", "relu", "selu")),
    "bins": Choice(values=(1, 8, 16, 32)),
    "mini_batch_size": Choice(values=(32, 64, 128, 256, 512)),
    "learning_rate": Range(low=3e-3, high=0.1),
    "weight_decay": Range(low=1e-4, high=0.2),
    "dropout_prob": Range(low=0, high=0.5, is_logarithmic=False),
}


PARAMETERS: Mapping[str, frozenset[str]] = {
    "xgboost": frozenset({*XGBOOST, "num_round"}),
    "linear-learner": frozenset({*STOCHASTIC_LINES, "solver", "epochs"}),
    "mlp": frozenset({*NETWORKS, "epochs", "epoch_rows"}),
}
"""All parameters of each algorithm that a trial may name, whether they are searched for or not."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """An algorithm as it is tuned on a table."""

    space: Space
    """What is looked for."""
    fixed: Parameters
    """What is not."""
    starts: Sequence[Parameters]
    """Values to begin with, the best bet first; each has all parameters of the space."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How much a trial has to do, and how much may be done."""

    rows: int
    """Rows that are learned from."""
    columns: int
    """Columns that an average recipe makes."""
    outputs: int = 1
    """Raw scores of a row: one, or one for each class of more than two."""
    folds: int = 1
    """How many models a whole trial trains."""
    lanes: int = 1
    """How many models are trained at once."""
    seconds: float | None = None
    """How long the whole search may take; None: as long as it takes."""

    def count_affordable(self, seconds: float) -> float:
        """Return how many steps of so many seconds each model of a trial may make; inf without a limit of time."""
        if self.seconds is None:
            return math.inf
        return TRIAL_SHARE * self.seconds * min(self.lanes, self.folds) / (self.folds * seconds)


def find_space(
    algorithm: str, problem_type: ProblemType, workload: Workload, ranges: Mapping[str, Range | Choice]
) -> Tuned:
    """Return what is tuned of an algorithm on a table.

    Args:
        algorithm: its name.
        problem_type: good values differ by it.
        workload: good values differ by the table's size, and by the time that there is.
        ranges: of the user, over the usual ones.

    Raises:
        TaskError: when the user names a parameter that is not tuned.
    """
    tuned = {"xgboost": _tune_xgboost, "linear-learner": _tune_lines, "mlp": _tune_networks}[algorithm](
        problem_type, workload
    )
    check_names(algorithm, ranges, tuned.space)
    space = {**tuned.space, **ranges}
    starts = [{name: fit_into(space[name], value) for name, value in start.items()} for start in tuned.starts]
    distinct = [start for number, start in enumerate(starts) if start not in starts[:number]]
    return Tuned(space=space, fixed=tuned.fixed, starts=distinct)


def check_names(algorithm: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters that are not there.

    Raises:
        TaskError: when there is one.
    """
    known = list(known)
    strangers = [name for name in names if name not in known]
    if strangers:
        raise TaskError(f"{algorithm} has no parameter {strangers[0]!r} that is tuned here; it has {', '.join(known)}.")


def fit_into(within: Range | Choice, value: str | float | bool) -> str | int | float:
    """Return the value of a range or choice that is next to this one."""
    if isinstance(within, Choice):
        return value if value in within.values else within.values[0]
    number = min(max(float(value), within.low), within.high)
    return round(number) if within.is_whole else number


def _tune_xgboost(problem_type: ProblemType, workload: Workload) -> Tuned:
    """Begin with pytabkit's tuned defaults, variants that are deep or shallow, and the library's with a smaller eta.

    Where there is no time for the many rounds of a small `eta`, that is not looked for.
    """
    rows = workload.rows
    rounds = workload.count_affordable(workload.outputs * workload.columns * (CELL_SECONDS * rows + COLUMN_SECONDS))
    usual = XGBOOST["eta"]
    assert isinstance(usual, Range)
    space = {**XGBOOST, "eta": replace(usual, low=min(max(usual.low, TRAVEL / rounds), HIGHEST_LOW_RATE))}
    most_rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, 2 * rounds))
    names = tuple(XGBOOST)
    tuned = (0.08, 6, 1e-3, 1e-6, 0.65, 0.9, 1e-3, 1e-6)
    deep = (0.05, 9 if rows <= FEW_ROWS else 8, 2.0, 1e-6, 0.7, 0.6, 1.0, 1e-6)
    shallow = (0.05, 4, 1.0, 1e-6, 0.7, 0.5, 3.0, 1e-6)
    library = (0.1, 6, 1.0, 1e-6, 1.0, 1.0, 1.0, 1e-6)
    first = (shallow, tuned, deep) if rows <= FEW_ROWS else (tuned, deep, shallow)
    if problem_type is ProblemType.REGRESSION and rows > FEW_ROWS:
        first = (deep, tuned, shallow)
    starts = [dict(zip(names, values, strict=True)) for values in (*first, library)]
    return Tuned(space=space, fixed={"num_round": round(most_rounds)}, starts=starts)


def _tune_lines(problem_type: ProblemType, workload: Workload) -> Tuned:
    if workload.rows * workload.columns <= MANY_CELLS or problem_type is ProblemType.MULTICLASS:
        starts: list[Parameters] = [{"wd": value} for value in (1e-3, 1e-5, 0.1)]
        return Tuned(space=LINES, fixed={"solver": "lbfgs"}, starts=starts)
    starts = [{"wd": 1e-5, "l1": 1e-7, "learning_rate": 0.05}, {"wd": 1e-7, "l1": 1e-6, "learning_rate": 0.01}]
    passes = workload.count_affordable(PASS_SECONDS * workload.rows * workload.columns)
    fixed: Parameters = {"solver": "sgd", "epochs": round(min(MOST_PASSES, max(1, passes)))}
    return Tuned(space=STOCHASTIC_LINES, fixed=fixed, starts=starts)


def _tune_networks(problem_type: ProblemType, workload: Workload) -> Tuned:
    (usual,) = (entry.parameters for entry in MLP().configurations(problem_type, workload.rows))
    start = {name: value for name, value in usual.items() if name in NETWORKS}
    rows_of_epoch = min(workload.rows, int(usual["epoch_rows"]))
    affordable_rows = workload.count_affordable(ROW_SECONDS + NUMBER_SECONDS * workload.columns)
    epochs = round(min(int(usual["epochs"]), max(LEAST_EPOCHS, affordable_rows / rows_of_epoch)))
    fixed = {name: value for name, value in usual.items() if name not in NETWORKS}
    fixed["epochs"] = epochs
    fixed["epoch_rows"] = round(min(int(usual["epoch_rows"]), max(LEAST_EPOCH_ROWS, affordable_rows / epochs)))
    return Tuned(space=NETWORKS, fixed=fixed, starts=[start, {**start, "layers": "128"}])
