from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.comparison import bootstrap, compare_with_best, geometric_mean, judge, median, rank

FAILED = math.inf


def test_ranks_begin_with_the_least_error() -> None:
    assert rank({"a": 0.3, "b": 0.1, "c": 0.2}) == {"a": 3, "b": 1, "c": 2}


def test_equal_errors_share_the_mean_of_their_places() -> None:
    assert rank({"a": 0.1, "b": 0.2, "c": 0.2, "d": 0.2, "e": 0.3}) == {"a": 1, "b": 3, "c": 3, "d": 3, "e": 5}


def test_failures_are_last_however_many() -> None:
    assert rank({"a": FAILED, "b": 0.2, "c": FAILED, "d": 0.1}) == {"a": 4, "b": 2, "c": 4, "d": 1}
    assert rank({"a": FAILED, "b": FAILED}) == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [(0.1, 0.2, 1), (0.2, 0.1, 0), (0.1, 0.1, 0.5), (FAILED, 0.9, 0), (0.9, FAILED, 1), (FAILED, FAILED, 0.5)],
)
def test_a_duel_is_won_lost_or_halved(own: float, other: float, expected: float) -> None:
    assert judge(own, other) == expected


def test_errors_are_shares_above_the_best() -> None:
    shares = compare_with_best({"a": 2.0, "b": 1.0, "c": 1.5})
    assert shares == {"a": 1.0, "b": 0.0, "c": 0.5}


def test_a_failure_has_the_largest_share_of_the_set() -> None:
    assert compare_with_best({"a": 2.0, "b": 1.0, "c": FAILED}) == {"a": 1.0, "b": 0.0, "c": 1.0}
    assert compare_with_best({"a": FAILED, "b": FAILED}) == {}


def test_a_best_error_of_nothing_is_no_division_by_nothing() -> None:
    shares = compare_with_best({"a": 0.0, "b": 0.0, "c": 0.1})
    assert shares["a"] == shares["b"] == 0.0
    assert math.isfinite(shares["c"])


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_for_many_sets() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, size=400).tolist()
    estimate = bootstrap(values)
    error = float(np.std(values)) / math.sqrt(400)
    assert estimate.value == pytest.approx(np.mean(values))
    assert estimate.low == pytest.approx(estimate.value - 1.96 * error, abs=0.15 * error)
    assert estimate.high == pytest.approx(estimate.value + 1.96 * error, abs=0.15 * error)
    assert estimate.sets == 400


def test_the_bootstrap_is_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(1).normal(size=60).tolist()
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values) != bootstrap(values, seed=1)


def test_one_set_has_an_interval_of_nothing() -> None:
    estimate = bootstrap([0.25])
    assert (estimate.value, estimate.low, estimate.high) == (0.25, 0.25, 0.25)


def test_no_set_has_no_estimate() -> None:
    with pytest.raises(ValueError, match="no data set"):
        bootstrap([])


def test_other_statistics_are_those_of_rows() -> None:
    assert bootstrap([1.0, 4.0, 100.0], median).value == 4.0
    assert bootstrap([0.5, 2.0, 1.0], geometric_mean).value == pytest.approx(1.0)
