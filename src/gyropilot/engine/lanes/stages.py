"""Stages of a training: who says which they are, and who goes on to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gyropilot.engine.contracts import Plan, Stage


class Referee(Protocol):
    """Says in which stages candidates are trained, and who goes on to the next."""

    def stages(self, plan: Plan) -> Sequence[Stage]:
        """Return the stages of a candidate."""
        ...

    def lets_on(self, plan: Plan, stage: int, losses: Sequence[float], *, at_once: bool) -> bool | None:
        """Tell whether a candidate is worth going on with, given the losses of its folds in a stage.

        None: that is not known yet, and asked again; at once it has to be said.
        """
        ...


class OneStage:
    """All folds of a candidate are trained to the end."""

    def __init__(self, folds: int) -> None:
        self._stages = (Stage(folds=tuple(range(folds))),)

    def stages(self, plan: Plan) -> Sequence[Stage]:  # noqa: ARG002  # the same for all
        """Return the only stage."""
        return self._stages

    def lets_on(self, plan: Plan, stage: int, losses: Sequence[float], *, at_once: bool) -> bool:  # noqa: ARG002  # see above
        """Let all go on."""
        return True
