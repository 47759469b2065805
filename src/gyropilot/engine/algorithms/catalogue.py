"""Every algorithm by its name in the API. To add one, write its file and one line here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from gyropilot.engine.algorithms.boosting.catboost import CatBoost
from gyropilot.engine.algorithms.boosting.lightgbm import LightGBM
from gyropilot.engine.algorithms.boosting.xgboost import XGBoost
from gyropilot.engine.algorithms.forests.extra_trees import ExtraTrees
from gyropilot.engine.algorithms.forests.random_forest import RandomForest
from gyropilot.engine.algorithms.linear.linear_learner import LinearLearner
from gyropilot.engine.algorithms.networks.fastai import FastAI
from gyropilot.engine.algorithms.networks.mlp import MLP
from gyropilot.engine.algorithms.networks.nn_torch import NNTorch
from gyropilot.engine.contracts import Algorithm
from gyropilot.engine.errors import TaskError
from gyropilot.engine.task import Mode

ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        LinearLearner(),
        LightGBM(),
        XGBoost(),
        CatBoost(),
        ExtraTrees(),
        RandomForest(),
        NNTorch(),
        FastAI(),
        MLP(),
    )
}


def find_algorithms(names: Sequence[str], mode: Mode = Mode.ENSEMBLING) -> list[Algorithm]:
    """Return the algorithms of these names, in the catalogue's order; for no names all whose libraries are installed.

    Raises:
        TaskError: when the mode has no algorithm of a name, or its libraries are not installed.
    """
    known = {name: algorithm for name, algorithm in ALGORITHMS.items() if mode in algorithm.abilities.modes}
    unknown = [name for name in names if name not in known]
    if unknown:
        where = f" in the mode of {mode.value}" if unknown[0] in ALGORITHMS else ""
        raise TaskError(f"There is no algorithm {unknown[0]!r}{where}; there are {', '.join(known)}.")
    absent = [name for name in names if not _is_installed(ALGORITHMS[name])]
    if absent:
        extra = ALGORITHMS[absent[0]].abilities.extra
        raise TaskError(
            f"The libraries of {absent[0]} are not installed; pip install 'gyropilot[{extra}]' brings them."
        )
    return [algorithm for name, algorithm in known.items() if (name in names if names else _is_installed(algorithm))]


def _is_installed(algorithm: Algorithm) -> bool:
    """Whether a lane could import what the algorithm needs; nothing is imported here."""
    roots = {module.partition(".")[0] for module in algorithm.abilities.modules}
    return not algorithm.abilities.extra or all(find_spec(root) for root in roots)
