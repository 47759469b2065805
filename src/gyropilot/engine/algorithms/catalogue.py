"""Every algorithm by its name in the API. To add one, write its file and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.algorithms.boosting.catboost import CatBoost
from gyropilot.engine.algorithms.boosting.lightgbm import LightGBM
from gyropilot.engine.algorithms.boosting.xgboost import XGBoost
from gyropilot.engine.algorithms.forests.extra_trees import ExtraTrees
from gyropilot.engine.algorithms.forests.random_forest import RandomForest
from gyropilot.engine.algorithms.linear.linear_learner import LinearLearner
from gyropilot.engine.contracts import Algorithm
from gyropilot.engine.errors import TaskError

ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (LinearLearner(), LightGBM(), XGBoost(), CatBoost(), ExtraTrees(), RandomForest())
}


def find_algorithms(names: Sequence[str]) -> list[Algorithm]:
    """Return the algorithms of these names, in the catalogue's order; all for no names.

    Raises:
        TaskError: when there is no algorithm of a name.
    """
    unknown = [name for name in names if name not in ALGORITHMS]
    if unknown:
        raise TaskError(f"There is no algorithm {unknown[0]!r}; there are {', '.join(ALGORITHMS)}.")
    return [algorithm for name, algorithm in ALGORITHMS.items() if not names or name in names]
