"""Extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 2006), from scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.algorithms.forests.forest import ROWS_PER_TREE, ForestFit, find_size
from gyropilot.engine.contracts import Abilities, Configuration, Link, Parameters, TrainingData
from gyropilot.engine.task import ProblemType


class ExtraTrees:
    """The catalogue's `extra-trees`."""

    name = "extra-trees"
    abilities = Abilities(
        problem_types=frozenset(ProblemType), modules=("sklearn.ensemble",), link=Link.IDENTITY, learns_from_codes=True
    )

    def configurations(self, problem_type: ProblemType, rows: int) -> Sequence[Configuration]:
        """Return trees that try a threshold of every column, or of most: random ones are random enough."""
        parameters: dict[str, int | float | bool] = {
            **find_size(rows),
            "max_features": 1.0 if problem_type.is_classification else 0.75,
            "min_samples_leaf": 2,
        }
        if rows > ROWS_PER_TREE:
            parameters |= {"bootstrap": True, "max_samples": round(ROWS_PER_TREE / rows, 4)}
        return [Configuration(parameters=parameters, priority=3, strength=45)]

    def begin(self, data: TrainingData, fold: int, parameters: Parameters, seed: int) -> ForestFit:
        """Begin a fit on the rows outside a fold."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        library = ExtraTreesClassifier if data.problem_type.is_classification else ExtraTreesRegressor
        return ForestFit(data, fold, library, parameters, seed)
