"""Linear models: as scikit-learn fits them, and of tables whose design matrix is too large to be made at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as LibraryRidge

from gyropilot.engine.algorithms.linear import inputs, linear_learner
from gyropilot.engine.algorithms.linear.linear_learner import LinearFit, LinearLearner
from gyropilot.engine.algorithms.linear.solvers import Ridge, fit_logistic
from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.task import ProblemType

ROWS = 4000
RANDOM = np.random.default_rng(2)
FEATURES = RANDOM.normal(size=(ROWS, 6)).astype(np.float32)
BORDERS = fit_borders(FEATURES)
DATA = TrainingData(
    problem_type=ProblemType.REGRESSION,
    class_count=0,
    features=FEATURES,
    codes=quantise(FEATURES, BORDERS),
    borders=BORDERS,
    levels=(0,) * 6,
    target=FEATURES @ np.arange(6.0) + 0.1 * RANDOM.normal(size=ROWS),
    weights=np.ones(ROWS),
    folds=(np.arange(ROWS) % 5).astype(np.uint8),
)
PARAMETERS = {"strongest": 0.1, "weakest": 1.0, "penalties": 2}


def begin() -> LinearFit:
    fit = LinearLearner().begin(replace(DATA, cache={}), 0, PARAMETERS, 0)
    assert isinstance(fit, LinearFit)
    return fit


def test_long_tables_are_learned_from_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = begin()
    whole.advance(2, 60)
    monkeypatch.setattr(linear_learner, "LEARNED_CELLS", 6 * 500)
    monkeypatch.setattr(inputs, "KEPT_CELLS", 6 * 500)
    sampled = begin()
    losses = sampled.advance(2, 60).losses
    rows = np.arange(ROWS)
    np.testing.assert_allclose(sampled.score_rows(rows, 2), whole.score_rows(rows, 2), atol=0.1)
    assert losses[-1] < 0.02
    np.testing.assert_array_equal(sampled.score_rows(rows[:7], 2), sampled.score_rows(rows, 2)[:7])
    assert sampled.score_rows(rows[:0], 2).shape == (0, 1)


WEIGHTS = RANDOM.uniform(0.1, 3.0, size=300)
PENALTIES = (100.0, 1.0, 0.01)


def make_design(columns: int) -> NDArray[np.float32]:
    design = RANDOM.normal(size=(300, columns)).astype(np.float32)
    design[:, 1] = design[:, 0]  # columns may be the same
    return design


@pytest.mark.parametrize("columns", [12, 500])
def test_ridge_regression_is_that_of_scikit_learn(columns: int) -> None:
    design = make_design(columns)
    target = design @ RANDOM.normal(size=columns) + RANDOM.normal(size=300) + 7
    ridge = Ridge(design, target, WEIGHTS)
    for penalty in PENALTIES:
        weights, intercept = ridge.solve(penalty)
        library = LibraryRidge(alpha=penalty, solver="cholesky").fit(design.astype(float), target, WEIGHTS)
        np.testing.assert_allclose(weights, library.coef_, rtol=1e-6, atol=1e-8)
        assert intercept == pytest.approx(library.intercept_, rel=1e-8)


@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_regression_is_that_of_scikit_learn(classes: int) -> None:
    design = make_design(12)
    scores = design @ RANDOM.normal(size=(12, classes)) + RANDOM.gumbel(size=(300, classes))
    labels = scores.argmax(axis=1)
    found = np.zeros((13, classes if classes > 2 else 1))
    library = LogisticRegression(max_iter=200, warm_start=True)
    for penalty in PENALTIES:
        found = fit_logistic(design, labels, WEIGHTS, penalty, found)
        library.set_params(C=1 / penalty).fit(design.astype(float), labels, WEIGHTS)
        np.testing.assert_allclose(found[:-1].T, library.coef_, atol=2e-3)
        np.testing.assert_allclose(found[-1], library.intercept_, atol=2e-3)


@pytest.mark.parametrize(("lost", "left"), [((2,), 2), ((1, 2), 1)])
def test_classes_that_a_fold_lacks_are_not_predicted(lost: tuple[int, ...], left: int) -> None:
    target = RANDOM.integers(0, 3, size=ROWS).astype(np.float64)
    folds = np.where(np.isin(target, lost), 0, DATA.folds).astype(np.uint8)
    data = replace(DATA, problem_type=ProblemType.MULTICLASS, class_count=3, target=target, folds=folds, cache={})
    fit = LinearLearner().begin(data, 0, PARAMETERS, 0)
    if left == 1:
        with pytest.raises(ValueError, match="of one class"):
            fit.advance(1, 60)
        return
    fit.advance(2, 60)
    scores = fit.score_rows(np.arange(ROWS), 2)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1])
    assert (scores[:, 2] == -30).all()
