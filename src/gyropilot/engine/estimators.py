"""The engine as estimators of scikit-learn: for pipelines, cross-validation and searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from gyropilot.engine.budget import Budget, count_cores
from gyropilot.engine.data.in_memory import is_pandas, is_polars, name_columns, to_arrow
from gyropilot.engine.model import Model
from gyropilot.engine.progress import print_progress
from gyropilot.engine.runs import fit
from gyropilot.engine.task import ProblemType, Task

FEWEST_ROWS = 10
"""The engine needs as many; its own words are of columns that these tables do not have."""
LARGEST_SEED = 2**31 - 1


class _Gyropilot(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the two estimators share: the limits of a run, and tables in the forms of scikit-learn."""

    model_: Model

    def __init__(
        self,
        *,
        max_runtime_seconds: float | None = None,
        max_candidates: int | None = None,
        algorithms: tuple[str, ...] = (),
        objective: str = "",
        validation_fraction: float | None = None,
        cores: int | None = None,
        in_process: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.max_runtime_seconds = max_runtime_seconds
        self.max_candidates = max_candidates
        self.algorithms = algorithms
        self.objective = objective
        self.validation_fraction = validation_fraction
        self.cores = cores
        self.in_process = in_process
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _train(
        self,
        table: pa.Table,
        answers: NDArray[Any],
        problem_type: ProblemType,
        weights: NDArray[np.float64] | None,
    ) -> None:
        target, weight_column = _find_free_name("target", table), ""
        table = table.append_column(target, pa.array(answers))
        if weights is not None:
            weight_column = _find_free_name("weight", table)
            table = table.append_column(weight_column, pa.array(weights))
        task = Task(
            target=target,
            problem_type=problem_type,
            objective=self.objective,
            algorithms=tuple(self.algorithms),
            weight_column=weight_column,
            validation_fraction=self.validation_fraction,
            seed=int(check_random_state(self.random_state).randint(LARGEST_SEED)),
        )
        budget = Budget(
            max_runtime_seconds=self.max_runtime_seconds,
            max_candidates=self.max_candidates,
            cores=count_cores() if self.cores is None else self.cores,
            in_process=self.in_process,
        )
        self.model_ = fit(table, task, budget, on_event=print_progress if self.verbose else None)

    def _take_training_table(self, X: Any, y: Any) -> tuple[pa.Table, Any]:  # noqa: N803  # scikit-learn's names
        if y is None:
            raise ValueError(f"This {type(self).__name__} requires y to be passed, but the target y is None.")
        answers = column_or_1d(y, warn=True)
        table = self._take_table(X, is_training=True)
        check_consistent_length(X, answers)
        if len(answers) < FEWEST_ROWS:
            raise ValueError(f"n_samples={len(answers)}; at least {FEWEST_ROWS} rows are needed.")
        return table, answers

    def _take_table(self, X: Any, *, is_training: bool) -> pa.Table:  # noqa: N803  # scikit-learn's name
        """Return what scikit-learn takes for a table as Arrow, checked against the table of the training."""
        if is_pandas(X) or is_polars(X):
            validate_data(self, X, reset=is_training, skip_check_array=True)
            return to_arrow(X)
        matrix = validate_data(self, X, reset=is_training, dtype=None, ensure_all_finite="allow-nan")
        return name_columns(matrix, [f"x{number}" for number in range(matrix.shape[1])])

    def _predict(self, X: Any) -> Any:  # noqa: N803  # scikit-learn's name
        check_is_fitted(self)
        return self.model_.predict(self._take_table(X, is_training=False))


class GyropilotClassifier(ClassifierMixin, _Gyropilot):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier that trains a portfolio of candidates, and an ensemble of them, and keeps the best one.

    Columns may be numbers, text, categories, booleans or dates, with missing cells; nothing needs to be encoded
    before. What a pickled estimator holds is the archive of its model, no object of a training library.

    Args:
        max_runtime_seconds: wall-clock limit of a fit; None: until the portfolio is through.
        max_candidates: how many candidates a fit makes, the ensemble included; None: as many as the time allows.
        algorithms: names of the algorithms that may be used; empty: all.
        objective: name of the metric that ranks candidates; empty: the default of the problem type.
        validation_fraction: share of the rows that candidates are only scored on; None: they are cross-validated.
        cores: how many lanes train at once; None: one for each core.
        in_process: whether to train within this process, which suits small tables: see `Budget`.
        random_state: where randomness starts, as scikit-learn has it.
        verbose: whether to print a line for each candidate.

    Attributes:
        model_: the `Model`, with its leaderboard.
        classes_: the labels in the order of the probabilities.
        n_features_in_: how many columns it was trained on.
        feature_names_in_: their names, when all were text.
    """

    classes_: NDArray[Any]

    def __init__(
        self,
        *,
        max_runtime_seconds: float | None = None,
        max_candidates: int | None = None,
        algorithms: tuple[str, ...] = (),
        objective: str = "accuracy",
        validation_fraction: float | None = None,
        cores: int | None = None,
        in_process: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            max_runtime_seconds=max_runtime_seconds,
            max_candidates=max_candidates,
            algorithms=algorithms,
            objective=objective,
            validation_fraction=validation_fraction,
            cores=cores,
            in_process=in_process,
            random_state=random_state,
            verbose=verbose,
        )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GyropilotClassifier:  # noqa: N803  # scikit-learn's names
        """Train on rows and their labels.

        Args:
            X: (n, p) array, or a pandas or Polars frame.
            y: (n,) labels of any type.
            sample_weight: (n,) how much each row counts, at least 0; None: all alike.

        Raises:
            ValueError: when nothing can be learned: fewer than ten rows, one class only, columns that say nothing.
            BudgetSpentError, TrainingError: as `gyropilot.engine.run` does.
        """
        table, labels = self._take_training_table(X, y)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        weights = _take_weights(sample_weight, labels)
        if len(np.unique(numbers if weights is None else numbers[weights > 0])) < 2:
            raise ValueError("y holds one class only among the rows that count; at least two classes are needed.")
        kind = ProblemType.BINARY if len(self.classes_) == 2 else ProblemType.MULTICLASS
        self._train(table, numbers, kind, weights)
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803  # scikit-learn's name
        """Return the label of each row, (n,)."""
        numbers = self._predict(X)
        labels: NDArray[Any] = self.classes_[numbers]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's name
        """Return the probability of each class for each row, (n, classes) in the order of `classes_`."""
        check_is_fitted(self)
        probabilities: NDArray[np.float64] = self.model_.predict_proba(self._take_table(X, is_training=False))
        return probabilities


class GyropilotRegressor(RegressorMixin, _Gyropilot):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor that trains a portfolio of candidates, and an ensemble of them, and keeps the best one.

    It takes the arguments of `GyropilotClassifier`; its candidates are ranked by the mean squared error.

    Attributes:
        model_: the `Model`, with its leaderboard.
        n_features_in_: how many columns it was trained on.
        feature_names_in_: their names, when all were text.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GyropilotRegressor:  # noqa: N803  # scikit-learn's names
        """Train on rows and their amounts.

        Args:
            X: (n, p) array, or a pandas or Polars frame.
            y: (n,) finite numbers.
            sample_weight: (n,) how much each row counts, at least 0; None: all alike.

        Raises:
            ValueError: when nothing can be learned: fewer than ten rows, one amount only, columns that say nothing.
            BudgetSpentError, TrainingError: as `gyropilot.engine.run` does.
        """
        table, answers = self._take_training_table(X, y)
        amounts = np.asarray(answers, dtype=np.float64)
        assert_all_finite(amounts, input_name="y")
        self._train(table, amounts, ProblemType.REGRESSION, _take_weights(sample_weight, amounts))
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's name
        """Return the amount of each row, (n,)."""
        amounts: NDArray[np.float64] = self._predict(X)
        return amounts


def _take_weights(sample_weight: Any, answers: NDArray[Any]) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    stand_in = np.empty((len(answers), 1))  # all that scikit-learn asks of it is how many rows there are
    weights: NDArray[np.float64] = _check_sample_weight(
        sample_weight, stand_in, dtype=np.float64, ensure_non_negative=True
    )
    return weights


def _find_free_name(name: str, table: pa.Table) -> str:
    """Return a name that no column of the table has."""
    while name in table.column_names:
        name += "_"
    return name
