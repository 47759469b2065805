"""Successive halving: most trials are given a part of the resources, and only those that are good with it the rest.

After Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020): trials are judged one by one as
they come, against those before them. On short tables the resource is the folds of the cross-validation, on long ones
rows and rounds.

With a limit of time nobody is waited for: a trial is judged by what the others have shown until then.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

from gyropilot.engine.contracts import Plan, Stage

REDUCTION = 3
"""One of so many trials goes on to the next stage, and has so many times the rows there."""
FEWEST_ROWS = 20_000
"""No stage learns from fewer rows than this."""
MOST_PARTS = 3
"""So many stages come before the one with all rows and rounds."""
FEWEST_OTHERS = REDUCTION - 1
"""Where nobody is waited for, a trial is judged when so many others have been through the same."""


def plan_stages(rows: int, folds: int, *, stops_early: bool) -> tuple[Stage, ...]:
    """Return the stages of a trial: a fold, half of all and all; where there is one, parts of rows and rounds and all.

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
        counts = dict.fromkeys((1, (folds + 1) // 2))
        return (*(Stage(folds=tuple(range(count))) for count in counts), whole)
    shares = [REDUCTION**-power for power in range(MOST_PARTS, 0, -1) if REDUCTION**-power * rows >= FEWEST_ROWS]
    return (*(Stage(folds=(0,), rows_share=share, steps_share=math.sqrt(share)) for share in shares), whole)


class Halving:
    """The referee of trials.

    Args:
        stages: of trials that are judged.
        kept: numbers of trials that go on whatever they show.
        waits: whether what it says of a trial depends on the trials of lower numbers alone, whichever ended first: it
            waits for what they show after the same stage, unless they are through or were given up before. Otherwise
            it depends on all that is known.
    """

    def __init__(self, stages: Sequence[Stage], kept: Container[int] = (), *, waits: bool = True) -> None:
        self._stages = stages
        self._kept = kept
        self._waits = waits
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

    def losses(self, number: int) -> tuple[float, ...]:
        """Return the mean losses of the stages that a trial went through so far."""
        return tuple(self._losses.get(number, ()))

    def lets_on(self, plan: Plan, stage: int, losses: Sequence[float], *, at_once: bool) -> bool | None:
        """Tell whether a trial is among the best third of those before it; None: that is not known yet."""
        number, loss = number_of(plan.id), sum(losses) / len(losses)
        known = self._losses.setdefault(number, [])
        known[stage:] = [loss]
        if number in self._kept:
            return True
        others = range(1, number) if self._waits else [other for other in self._losses if other != number]
        if self._waits and not at_once and any(self._is_open(other, stage) for other in others):
            return None
        shown = [each[stage] for other in others if len(each := self._losses.get(other, [])) > stage]
        if not self._waits and not at_once and len(shown) < FEWEST_OTHERS:
            return None
        better = sum(each < loss for each in shown)
        return loss == loss and better * REDUCTION < len(shown) + 1

    def _is_open(self, number: int, stage: int) -> bool:
        """Tell whether what a trial shows after a stage may still come."""
        return number not in self._ended and len(self._losses.get(number, [])) <= stage


def name_trial(number: int) -> str:
    """Return the id of the candidate of a trial."""
    return f"c{number:03d}"


def number_of(candidate: str) -> int:
    """Return the number of the trial of a candidate."""
    return int(candidate.lstrip("c"))
