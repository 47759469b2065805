"""Linear models of tables whose design matrix is too large to be made at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gyropilot.engine.algorithms.linear import inputs, linear_learner
from gyropilot.engine.algorithms.linear.linear_learner import LinearFit, LinearLearner
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
