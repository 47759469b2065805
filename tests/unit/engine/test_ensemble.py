"""The greedy ensemble helps, and its score is honest."""

from __future__ import annotations

import numpy as np
import pytest

from gyropilot.engine.ensemble.greedy import fit_ensemble
from gyropilot.engine.metrics.catalogue import METRICS, find_metric
from gyropilot.engine.task import ProblemType

ROWS = 600
RANDOM = np.random.default_rng(3)
FOLDS = (np.arange(ROWS) % 5).astype(np.uint8)
TARGET = RANDOM.normal(size=ROWS)


def test_two_halves_of_the_truth_are_combined() -> None:
    noisy = [TARGET + RANDOM.normal(size=ROWS) for _ in range(3)]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(noisy, TARGET, FOLDS, metric, ProblemType.REGRESSION)
    assert ensemble.weights.sum() == pytest.approx(1)
    assert (ensemble.weights > 0.15).all()
    assert metric.function(TARGET, ensemble.predictions) < 0.6 * min(metric.function(TARGET, each) for each in noisy)


def test_useless_candidates_get_no_weight() -> None:
    candidates = [TARGET + 0.1 * RANDOM.normal(size=ROWS), RANDOM.normal(size=ROWS) * 5]
    metric = find_metric(ProblemType.REGRESSION, "rmse")
    assert fit_ensemble(candidates, TARGET, FOLDS, metric, ProblemType.REGRESSION).weights.tolist() == [1, 0]


def test_score_is_of_rows_that_had_no_say() -> None:
    """Among many candidates of pure noise, choosing by the same rows would look better than chance."""
    labels = RANDOM.integers(0, 2, ROWS).astype(float)
    noise = []
    for _ in range(60):
        positive = np.clip(0.5 + 0.2 * RANDOM.normal(size=ROWS), 0.01, 0.99)
        noise.append(np.stack([1 - positive, positive], axis=1))
    auc = find_metric(ProblemType.BINARY, "auc")
    ensemble = fit_ensemble(noise, labels, FOLDS, auc, ProblemType.BINARY)
    dishonest = auc.function(labels, np.tensordot(ensemble.weights, np.stack(noise), axes=1))
    honest = auc.function(labels, ensemble.predictions)
    assert dishonest > 0.6
    assert honest < 0.56


@pytest.mark.parametrize("metric", METRICS[ProblemType.MULTICLASS], ids=lambda metric: metric.name)
def test_every_objective_can_rank(metric: object) -> None:
    labels = RANDOM.integers(0, 3, ROWS).astype(float)
    good = np.eye(3)[labels.astype(int)] * 0.4 + 0.2
    bad = RANDOM.dirichlet(np.ones(3), size=ROWS)
    ensemble = fit_ensemble([bad, good], labels, FOLDS, metric, ProblemType.MULTICLASS)  # type: ignore[arg-type]
    assert ensemble.weights[1] > ensemble.weights[0]


def test_haste_still_gives_weights() -> None:
    candidates = [TARGET + RANDOM.normal(size=ROWS) for _ in range(3)]
    metric = find_metric(ProblemType.REGRESSION, "mse")
    ensemble = fit_ensemble(candidates, TARGET, FOLDS, metric, ProblemType.REGRESSION, seconds=0)
    assert ensemble.weights.sum() == 1
