"""Prediction intervals hold the answers of new rows as often as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gyropilot.engine import Budget, Task, fit
from gyropilot.engine.bundle.load import load
from gyropilot.engine.errors import RequestError
from gyropilot.engine.metrics.intervals import STEPS, find_bounds, find_residual_quantiles

GOLDEN = Path(__file__).parents[2] / "data" / "bundles"
DRAWS, ROWS = 400, 99


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_the_level_is_kept_whatever_residuals_look_like(level: float) -> None:
    random = np.random.default_rng(0)
    inside = []
    for residuals in random.gamma(1.0, size=(DRAWS, ROWS + 100)) - 5:
        low, high = find_bounds(find_residual_quantiles(residuals[:ROWS], np.ones(ROWS)), level)
        inside.append(((low <= residuals[ROWS:]) & (residuals[ROWS:] <= high)).mean())
    assert level - 0.01 < np.mean(inside) < level + 0.02


def test_quantiles_are_residuals_of_known_ranks() -> None:
    quantiles = find_residual_quantiles(np.arange(1.0, 200.0), np.ones(199))
    assert len(quantiles) == STEPS + 1
    assert (quantiles[0], quantiles[-1]) == (None, None)
    assert quantiles[1:-1] == tuple(np.arange(1.0, 200.0))


def test_rows_count_as_much_as_they_weigh() -> None:
    residuals = np.array([-1.0, 0.0, 1.0] * 100)
    weights = np.array([1.0, 1e-9, 1.0] * 100)
    assert find_bounds(find_residual_quantiles(residuals, weights), 0.5) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("rows", "level", "words"),
    [
        (0, 0.9, "stored without"),
        (9, 0.9, "too few rows were scored for a prediction interval of level 0.9"),
        (99, 1.0, "must be above 0 and below 1, not 1"),
        (99, -1.0, "must be above 0 and below 1, not -1"),
        (99, float("nan"), "must be above 0 and below 1, not nan"),
    ],
)
def test_what_cannot_be_kept_is_refused(rows: int, level: float, words: str) -> None:
    quantiles = find_residual_quantiles(np.arange(float(rows)), np.ones(rows)) if rows else ()
    with pytest.raises(ValueError, match=words):
        find_bounds(quantiles, level)


def test_a_trained_regression_keeps_its_word() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(2, 1000))
    y = 3 * x + random.standard_t(3, size=x.shape)
    model = fit(
        {"x": x[0], "y": y[0]},
        Task(target="y", algorithms=("linear-learner",)),
        Budget(max_candidates=1, in_process=True),
    )
    values = model.predictor.run(model.predictor.manifest.encoder.encode_rows([[cell] for cell in x[1]]))[:, 0]
    low, high = model.predictor.find_bounds(values, 0.8)
    assert 0.77 < ((low <= y[1]) & (y[1] <= high)).mean() < 0.84


def test_a_classification_has_none() -> None:
    predictor = load(GOLDEN / "0.1.0-binary.tar.gz")
    with pytest.raises(RequestError, match="Only regressions have prediction intervals"):
        predictor.find_bounds(np.zeros(1, dtype=np.float32), 0.9)


def test_a_model_of_old_says_that_it_has_none() -> None:
    predictor = load(GOLDEN / "0.1.0-regression.tar.gz")
    with pytest.raises(RequestError, match="this model was stored without what prediction intervals need"):
        predictor.find_bounds(np.zeros(1, dtype=np.float32), 0.9)
