"""Successive halving: most trials are given a part of the resources, and only those that are good with it the rest.

After Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020): trials are judged one by one as
they come, against those before them. On short tables the resource is the folds of the cross-validation, on long ones
rows and rounds.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

from gyropilot.engine.contracts import Plan, Stage

REDUCTION = 3
"""One of so many trials goes on to the next stage, and has so many times the rows there."""
FEWEST_ROWS = 20_000
"""No stage learns from fewer rows than this."""


def plan_stages(rows: int, folds: int, *, stops_early: bool) -> tuple[Stage, ...]:
    """Return the stages of a trial: a fold and then all; where there is one, parts of rows and rounds and then all.

    With a ninth of the rows there are a third of the rounds: fewer rows need fewer, and a rate that makes up for fewer
    still must not become too large.

    Args:
        rows: that are learned from.
        folds: how many there are.
        stops_early: whether there is more than one.
    """
    whole = Stage(folds=tuple(range(folds)))
    if not stops_early:
        return (whole,)
    if folds > 1:
        return Stage(folds=(0,)), whole
    shares = [share for share in (1 / REDUCTION**2, 1 / REDUCTION) if share * rows >= FEWEST_ROWS]
    return (*(Stage(folds=(0,), rows_share=share, steps_share=math.sqrt(share)) for share in shares), whole)


class Halving:
    """The referee of trials.

    What it says of a trial depends on the trials of lower numbers alone, whichever ended first: it waits for what they
    show after the same stage, unless they are through or were given up before.

    Args:
        stages: of trials that are judged.
        kept: numbers of trials that go on whatever they show.
    """

    def __init__(self, stages: Sequence[Stage], kept: Container[int] = ()) -> None:
        self._stages = stages
        self._kept = kept
        self._losses: dict[int, list[float]] = {}
        self._ended: set[int] = set()

    def stages(self, plan: Plan) -> Sequence[Stage]:
        """Return the stages of a candidate."""
        return self._stages if plan.is_staged else self._stages[-1:]

    def note_end(self, number: int, stage_losses: Sequence[float]) -> None:
        """Take down the mean losses of a trial that ended, stage by stage."""
        self._losses[number] = list(stage_losses)
        self._ended.add(number)

    def first_loss(self, number: int) -> float | None:
        """Return the mean loss of a trial's first stage, if that is known."""
        losses = self._losses.get(number)
        return losses[0] if losses else None

    def lets_on(self, plan: Plan, stage: int, losses: Sequence[float], *, at_once: bool) -> bool | None:
        """Tell whether a trial is among the best third of those before it; None: that is not known yet."""
        number, loss = number_of(plan.id), sum(losses) / len(losses)
        known = self._losses.setdefault(number, [])
        known[stage:] = [loss]
        before = [other for other in range(1, number) if other in self._ended or other in self._losses]
        if number in self._kept:
            return True
        if not at_once and any(self._is_open(other, stage) for other in range(1, number)):
            return None
        earlier = [self._losses[other][stage] for other in before if len(self._losses[other]) > stage]
        better = sum(each < loss for each in earlier)
        return loss == loss and better * REDUCTION < len(earlier) + 1

    def _is_open(self, number: int, stage: int) -> bool:
        """Tell whether what a trial shows after a stage may still come."""
        return number not in self._ended and len(self._losses.get(number, [])) <= stage


def name_trial(number: int) -> str:
    """Return the id of the candidate of a trial."""
    return f"c{number:03d}"


def number_of(candidate: str) -> int:
    """Return the number of the trial of a candidate."""
    return int(candidate.lstrip("c"))
