"""Whether the best of many trials is the best: the first few are trained once more, on other folds.

The more trials there are, the luckier the best figure. Other folds know nothing of that luck. After Schneider, Bischl
and Feurer, "Overtuning in Hyperparameter Optimization" (2025). A default that is hardly worse is preferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gyropilot.engine.events import CandidateResult
from gyropilot.engine.problems.tabular.scoring import Judgement

FINALISTS = 4
"""So many trials, and the first one that suits most tables, are trained once more."""
HARDLY = 0.5
"""The first one wins unless another is better by this share of a standard error."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Which candidate is named the best."""

    best: CandidateResult
    expected: float
    """Its objective on the other folds, which had no say in its search."""


def choose_best(ranked: Sequence[CandidateResult], again: Mapping[str, Judgement], first: str) -> Verdict | None:
    """Return the best by both figures, of those that were trained once more; None when fewer than two were.

    Args:
        ranked: finished candidates, best first.
        again: for each finalist by its id, what it is worth on other folds.
        first: id of the candidate that is preferred when it is hardly worse.
    """
    finalists = [result for result in ranked if result.id in again]
    if len(finalists) < 2:
        return None
    losses = {each.id: np.array([*each.part_losses, *again[each.id].part_losses]) for each in finalists}
    best = min(finalists, key=lambda each: float(losses[each.id].mean()))
    if first in losses and first != best.id:
        behind = losses[first] - losses[best.id]
        if behind.mean() < HARDLY * behind.std() / np.sqrt(len(behind)):
            best = next(each for each in finalists if each.id == first)
    return Verdict(best=best, expected=again[best.id].scores[0].value)
