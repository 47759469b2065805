"""Probabilities are calibrated where it helps, and the best of many is not believed blindly."""

from __future__ import annotations

import numpy as np
import pytest

from gyropilot.engine.metrics.calibration import calibrate, fit_exponent, sharpen
from gyropilot.engine.metrics.choice import predict_advantage
from gyropilot.engine.metrics.classification import log_loss

ROWS = 3000
ONES = np.ones(ROWS)
FOLDS = [np.arange(ROWS) % 5 == fold for fold in range(5)]


def draw(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and answers drawn by them."""
    random = np.random.default_rng(classes)
    probabilities = random.dirichlet(np.ones(classes), size=ROWS)
    answers = (probabilities.cumsum(axis=1) < random.random((ROWS, 1))).sum(axis=1).astype(float)
    return probabilities, answers


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("exponent", [0.5, 2.0])
def test_what_is_too_bold_or_too_careful_is_mended(classes: int, exponent: float) -> None:
    right, answers = draw(classes)
    given = sharpen(right, exponent)
    assert fit_exponent(answers, given, ONES) == pytest.approx(1 / exponent, rel=0.1)
    power, honest = calibrate(answers, given, ONES, FOLDS)
    assert power == pytest.approx(1 / exponent, rel=0.1)
    assert log_loss(answers, honest, ONES) < log_loss(answers, given, ONES)


def test_what_is_right_stays() -> None:
    right, answers = draw(3)
    power, honest = calibrate(answers, right, ONES, FOLDS)
    assert power == 1
    np.testing.assert_array_equal(honest, right)


def test_few_rows_are_left_alone() -> None:
    right, answers = draw(2)
    few = slice(0, 50)
    assert calibrate(answers[few], sharpen(right[few], 3), ONES[few], [each[few] for each in FOLDS])[0] == 1


def test_the_best_of_noise_has_an_advantage() -> None:
    losses = np.random.default_rng(1).normal(1, 0.1, size=(200, 5))
    best = losses.mean(axis=1).min()
    assert best < 0.92
    assert best + predict_advantage(losses) == pytest.approx(1, abs=0.08)


def test_one_that_is_best_everywhere_has_none() -> None:
    losses = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]])
    assert predict_advantage(losses) == 0
    assert predict_advantage(losses[:1]) == 0
    assert predict_advantage(np.array([[np.nan, 0.2], [0.1, 0.3]])) == 0
