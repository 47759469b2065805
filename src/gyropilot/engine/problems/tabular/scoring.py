"""What candidates are worth: figures for rows that had no say in what is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.events import Score
from gyropilot.engine.metrics.calibration import calibrate, sharpen
from gyropilot.engine.metrics.catalogue import METRICS, Metric
from gyropilot.engine.metrics.decisions import decide, tune_decision
from gyropilot.engine.metrics.intervals import find_residual_quantiles

PARTS = 5
"""Held-out rows are judged in so many parts, where there are no folds."""
NOBODY = 254
"""The group of rows that a long table's only models learn from: nothing is predicted for them."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a candidate is worth."""

    exponent: float
    """The power that its probabilities are raised to."""
    decision: Numbers
    """A factor for each class; empty for regression."""
    scores: tuple[Score, ...]
    """Every metric, the objective first."""
    part_scores: tuple[tuple[Score, ...], ...]
    """The same on each part of the rows."""
    part_losses: tuple[float, ...]
    """The objective turned so that less is better, on each part."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Predictions as they are judged: calibrated and decided upon without the rows that they are of."""

    exponent: float
    """The power that all probabilities are raised to in the model."""
    calibrated: Numbers
    """Of all rows."""
    rows: NDArray[np.int64]
    """(n,) the rows that are scored."""
    given: Numbers
    """(n, classes) their probabilities, with a column of 0 for each label that the model does not know, or (n,)."""
    decided: Numbers
    """The same in which the class that is decided for is the most probable."""


class Scoring:
    """Judges predictions of one table's rows.

    Args:
        data: the table.
        fold_count: how many of its folds are trained.
        classes: how many labels there are; 0 for regression.
        objective: the metric that ranks candidates.
        seed: which rows decisions are tuned on.
    """

    def __init__(self, data: TrainingData, fold_count: int, classes: int, objective: Metric, seed: int) -> None:
        self._target = data.target
        self._weights = data.weights
        self._problem_type = data.problem_type
        self._classes = classes
        self._objective = objective
        self._seed = seed
        self.learned = data.folds < fold_count
        """Rows that were learned from, but not by the models that predict them."""
        is_held = data.folds == HOLDOUT
        self._scored = np.flatnonzero(is_held if is_held.any() else self.learned)
        random = np.random.default_rng(seed)
        dealt = random.permutation(len(self._scored)) % PARTS
        self._part = dealt if is_held.any() or fold_count == 1 else data.folds[self._scored]
        # What is tuned on predictions is tuned for each group on the others.
        self._group = np.where(self.learned | is_held, data.folds, NOBODY).astype(np.uint8)
        if fold_count == 1:
            self._group[self.learned] = random.permutation(int(self.learned.sum())) % PARTS

    @property
    def groups(self) -> NDArray[np.uint8]:
        """(n,) groups of the rows that were learned from, each judged by what others tell; `HOLDOUT` for no group."""
        return np.where(self.learned, self._group, HOLDOUT).astype(np.uint8)

    def look(self, predictions: Numbers) -> Judged:
        """Return what of predictions of all rows is judged, each by models that did not see its row."""
        exponent, calibrated = self._calibrate(predictions)
        rows = self._scored
        given = calibrated[rows]
        decided = self._decided(calibrated)[rows] if self._classes else given
        classes = max(self._classes, int(self._target[rows].max()) + 1) if self._classes else 0
        return Judged(
            exponent=exponent,
            calibrated=calibrated,
            rows=rows,
            given=_widen(given, classes),
            decided=_widen(decided, classes),
        )

    def judge(self, predictions: Numbers) -> Judgement:
        """Return what predictions of all rows are worth, each by models that did not see its row."""
        found = self.look(predictions)
        rows, judged = found.rows, {False: found.given, True: found.decided}
        parts = [self._part == part for part in np.unique(self._part)]
        target, weights = self._target[rows], self._weights[rows]
        of_objective = judged[self._objective.judges_labels]
        return Judgement(
            exponent=found.exponent,
            decision=self._decide(found.calibrated, self.learned),
            scores=self._measure(judged, np.ones(len(rows), dtype=np.bool_)),
            part_scores=tuple(self._measure(judged, part) for part in parts),
            part_losses=tuple(self._objective.loss(target[p], of_objective[p], weights[p]) for p in parts),
        )

    def _measure(self, judged: dict[bool, Numbers], chosen: NDArray[np.bool_]) -> tuple[Score, ...]:
        """Return every metric of some of the scored rows."""
        target, weights = self._target[self._scored][chosen], self._weights[self._scored][chosen]
        others = (metric for metric in METRICS[self._problem_type] if metric.name != self._objective.name)
        return tuple(
            Score(
                metric=metric.name,
                value=metric.measure(target, judged[metric.judges_labels][chosen], weights),
                higher_is_better=metric.higher_is_better,
            )
            for metric in (self._objective, *others)
        )

    def _calibrate(self, predictions: Numbers) -> tuple[float, Numbers]:
        """Return the power to raise probabilities to, and those of each group by the power of the others."""
        if not self._classes:
            return 1.0, predictions
        rows = self.learned
        groups = self._group[rows]
        exponent, honest = calibrate(
            self._target[rows], predictions[rows], self._weights[rows], [groups == each for each in np.unique(groups)]
        )
        calibrated = sharpen(predictions, exponent) if exponent != 1 else predictions.copy()
        calibrated[rows] = honest
        return exponent, calibrated

    def _decided(self, predictions: Numbers) -> Numbers:
        """Return the probabilities after decisions that were tuned without the rows they are applied to."""
        decided = predictions.copy()
        for group in np.setdiff1d(self._group, [NOBODY]):
            inside = self._group == group
            decided[inside] = decide(predictions[inside], self._decide(predictions, self.learned & ~inside))
        return decided

    def _decide(self, predictions: Numbers, rows: NDArray[np.bool_]) -> Numbers:
        """Return the decision that suits the objective best on some rows."""
        if not self._classes:
            return np.empty(0)
        return tune_decision(
            self._objective, self._target[rows], predictions[rows], self._weights[rows], seed=self._seed
        )

    def find_residual_quantiles(self, predictions: Numbers) -> tuple[float | None, ...]:
        """Return what prediction intervals are made of; nothing of a classification."""
        if self._classes:
            return ()
        rows = self._scored
        return find_residual_quantiles(self._target[rows] - predictions[rows], self._weights[rows])


def _widen(predictions: Numbers, classes: int) -> Numbers:
    """Return probabilities with columns of 0 for classes that the model does not know."""
    if predictions.ndim == 1 or predictions.shape[1] == classes:
        return predictions
    return np.pad(predictions, ((0, 0), (0, classes - predictions.shape[1])))
