from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scores import SMALLEST_PROBABILITY, measure_error


def test_rmse_is_the_root_of_the_mean_square() -> None:
    answers, predictions = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])
    assert measure_error("regression", answers, predictions, []) == pytest.approx(math.sqrt(3))
    weights = np.array([1.0, 1.0, 0.0])
    assert measure_error("regression", answers, predictions, [], weights) == 0.0


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"]])
def test_binary_error_is_the_share_of_pairs_in_the_wrong_order(classes: list[str]) -> None:
    of_yes = np.array([0.1, 0.4, 0.35, 0.8])
    predictions = np.column_stack([of_yes if label == "yes" else 1 - of_yes for label in classes])
    assert measure_error("binary", ["no", "no", "yes", "yes"], predictions, classes) == pytest.approx(0.25)


def test_log_loss_finds_columns_by_their_labels() -> None:
    predictions = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    expected = -(math.log(0.25) + math.log(0.1)) / 2
    assert measure_error("multiclass", ["b", "a"], predictions, ["a", "c", "b"]) == pytest.approx(expected)


def test_a_class_that_is_not_predicted_costs_much_but_not_everything() -> None:
    predictions = np.array([[1.0, 0.0]])
    for answer in ("b", "unheard of"):
        error = measure_error("multiclass", [answer], predictions, ["a", "b"])
        assert error == pytest.approx(-math.log(SMALLEST_PROBABILITY), rel=1e-6)


@pytest.mark.parametrize("predictions", [np.array([1.0, np.nan]), np.array([1.0]), np.array([[1.0], [2.0]])])
def test_predictions_that_are_none_are_refused(predictions: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        measure_error("regression", np.array([1.0, 2.0]), predictions, [])
