"""Random forests (Breiman, Machine Learning 2001), from scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.algorithms.forests.forest import ROWS_PER_TREE, ForestFit, find_size
from gyropilot.engine.contracts import Abilities, Configuration, Link, Parameters, TrainingData
from gyropilot.engine.task import ProblemType


class RandomForest:
    """The catalogue's `randomforest`."""

    name = "randomforest"
    abilities = Abilities(
        problem_types=frozenset(ProblemType), modules=("sklearn.ensemble",), link=Link.IDENTITY, learns_from_codes=True
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:  # noqa: ARG002
        """Return trees that see three quarters of the rows, and about half of the columns at each split."""
        parameters = {
            **find_size(rows),
            "max_features": 0.5,
            "max_samples": round(min(0.75, ROWS_PER_TREE / max(rows, 1)), 4),
            "min_samples_leaf": 2,
        }
        return [Configuration(parameters=parameters, priority=8, strength=40)]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> ForestFit:
        """Begin a fit on the rows outside a fold."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        library = RandomForestClassifier if data.problem_type.is_classification else RandomForestRegressor
        return ForestFit(data, fold, library, parameters, seed)
