"""The greedy ensemble helps, and its score is honest."""

from __future__ import annotations

import numpy as np
import pytest

from gyropilot.engine.contracts import HOLDOUT
from gyropilot.engine.ensemble.greedy import fit_ensemble
from gyropilot.engine.metrics.catalogue import METRICS, Metric, find_metric, stand_ins
from gyropilot.engine.task import ProblemType

ROWS = 600
RANDOM = np.random.default_rng(3)
FOLDS = (np.arange(ROWS) % 5).astype(np.uint8)
TARGET = RANDOM.normal(size=ROWS)
ONES = np.ones(ROWS)


def test_two_halves_of_the_truth_are_combined() -> None:
    noisy = [TARGET + RANDOM.normal(size=ROWS) for _ in range(3)]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(noisy, TARGET, ONES, FOLDS, [metric])
    assert ensemble.weights.sum() == pytest.approx(1)
    assert (ensemble.weights > 0.15).all()
    assert metric.function(TARGET, ensemble.predictions, ONES) < 0.6 * min(
        metric.function(TARGET, each, ONES) for each in noisy
    )


def test_useless_candidates_get_no_weight() -> None:
    candidates = [TARGET + 0.1 * RANDOM.normal(size=ROWS), RANDOM.normal(size=ROWS) * 5]
    metric = find_metric(ProblemType.REGRESSION, "rmse")
    assert fit_ensemble(candidates, TARGET, ONES, FOLDS, [metric]).weights.tolist() == [1, 0]


def test_score_is_of_rows_that_had_no_say() -> None:
    """Among many candidates of pure noise, choosing by the same rows would look better than chance."""
    labels = RANDOM.integers(0, 2, ROWS).astype(float)
    noise = []
    for _ in range(60):
        positive = np.clip(0.5 + 0.2 * RANDOM.normal(size=ROWS), 0.01, 0.99)
        noise.append(np.stack([1 - positive, positive], axis=1))
    auc = find_metric(ProblemType.BINARY, "auc")
    ensemble = fit_ensemble(noise, labels, ONES, FOLDS, [auc])
    dishonest = auc.function(labels, np.tensordot(ensemble.weights, np.stack(noise), axes=1), ONES)
    honest = auc.function(labels, ensemble.predictions, ONES)
    assert dishonest > 0.57
    assert honest < 0.56


@pytest.mark.parametrize("metric", METRICS[ProblemType.MULTICLASS], ids=lambda metric: metric.name)
def test_every_objective_can_rank(metric: Metric) -> None:
    labels = RANDOM.integers(0, 3, ROWS).astype(float)
    good = np.eye(3)[labels.astype(int)] * 0.4 + 0.2
    bad = RANDOM.dirichlet(np.ones(3), size=ROWS)
    losses = stand_ins(ProblemType.MULTICLASS, metric)
    ensemble = fit_ensemble([bad, good], labels, ONES, FOLDS, losses)
    assert ensemble.weights[1] > ensemble.weights[0]


def test_haste_still_gives_weights() -> None:
    candidates = [TARGET + RANDOM.normal(size=ROWS) for _ in range(3)]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(candidates, TARGET, ONES, FOLDS, [metric], seconds=0)
    assert ensemble.weights.sum() == 1


def test_rows_held_out_have_no_say() -> None:
    folds = FOLDS.copy()
    folds[:300] = HOLDOUT
    candidates = [np.where(np.arange(ROWS) < 300, TARGET, -TARGET), 0.9 * TARGET]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(candidates, TARGET, ONES, folds, [metric])
    assert ensemble.weights.tolist() == [0, 1]
    np.testing.assert_allclose(ensemble.predictions, candidates[1])


def test_heavy_rows_decide() -> None:
    weights = np.where(np.arange(ROWS) < 300, 1000.0, 1.0)
    candidates = [np.where(np.arange(ROWS) < 300, TARGET, 0), np.where(np.arange(ROWS) < 300, 0, TARGET)]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(candidates, TARGET, weights, FOLDS, [metric])
    assert ensemble.weights[0] > 0.9


def test_what_is_too_dear_makes_room_from_the_lightest_up() -> None:
    candidates = [TARGET + noise * RANDOM.normal(size=ROWS) for noise in (0.2, 0.21, 0.22)]
    metric = find_metric(ProblemType.REGRESSION, "rmse")
    free = fit_ensemble(candidates, TARGET, ONES, FOLDS, [metric]).weights
    assert (free > 0).all()
    costs = [(0.4, 0.1), (0.4, 0.1), (0.1, 0.9)]
    paid = fit_ensemble(candidates, TARGET, ONES, FOLDS, [metric], costs=costs).weights
    heaviest = int(free.argmax())
    assert paid[heaviest] > 0
    assert (np.array(costs)[paid > 0].sum(axis=0) <= 1).all()
    dear = [(3.0, 0.0), (0.0, 0.0), (0.0, 3.0)]
    assert fit_ensemble(candidates, TARGET, ONES, FOLDS, [metric], costs=dear).weights[heaviest] > 0
