"""Successive halving: most trials are given a part of the resources, and only those that are good with it the rest.

After Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020): trials are judged one by one as
they come, against those before them. On short tables the resource is the folds of the cross-validation, on long ones
rows and rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from gyropilot.engine.contracts import Plan, Stage

REDUCTION = 3
"""One of so many trials goes on to the next stage, and has so many times the rows there."""
FEWEST_ROWS = 20_000
"""No stage learns from fewer rows than this."""


def plan_stages(rows: int, folds: int, *, is_multi_fidelity: bool) -> tuple[Stage, ...]:
    """Return the stages of a trial: the first fold and then all, or a ninth and a third of rows and rounds before all.

    Args:
        rows: that are learned from.
        folds: how many there are.
        is_multi_fidelity: whether rows and rounds are what trials compete for.
    """
    every = tuple(range(folds))
    whole = Stage(folds=every)
    if is_multi_fidelity:
        shares = [share for share in (1 / REDUCTION**2, 1 / REDUCTION) if share * rows >= FEWEST_ROWS]
        return (*(Stage(folds=(0,), rows_share=share, steps_share=share) for share in shares), whole)
    return (Stage(folds=(0,)), whole) if folds > 1 else (whole,)


class Halving:
    """The referee of trials. What it says of one depends on the stages of those some numbers before it alone.

    Args:
        stages: of trials that are judged.
        lag: the last so many trials before one have no say.
    """

    def __init__(self, stages: Sequence[Stage], lag: int) -> None:
        self._stages = stages
        self._lag = lag
        self._losses: dict[int, tuple[float, ...]] = {}

    def stages(self, plan: Plan) -> Sequence[Stage]:
        """Return the stages of a candidate."""
        return self._stages if plan.is_staged else self._stages[-1:]

    def note(self, number: int, stage_losses: Sequence[float]) -> None:
        """Take down the mean losses of a trial that was judged, stage by stage."""
        self._losses[number] = tuple(stage_losses)

    def lets_on(self, plan: Plan, stage: int, losses: Sequence[float]) -> bool:
        """Tell whether a trial is among the best third of those before it."""
        number = number_of(plan.id)
        loss = sum(losses) / len(losses)
        earlier = [
            each[stage] for other, each in self._losses.items() if other < number - self._lag and len(each) > stage
        ]
        better = sum(each < loss for each in earlier)
        return loss == loss and better * REDUCTION < len(earlier) + 1


def name_trial(number: int) -> str:
    """Return the id of the candidate of a trial."""
    return f"c{number:03d}"


def number_of(candidate: str) -> int:
    """Return the number of the trial of a candidate."""
    return int(candidate.lstrip("c"))
