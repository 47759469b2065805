"""One candidate in training: its folds advance in step, and one common number of steps is chosen.

A candidate may be trained in stages, of which each but the last ends with a judgement: whether it is worth going on.

Folds advance in chunks of about half a second. The loss curve is the mean over the folds, which is smooth enough to
stop early by. What the folds keep is the best common number of steps; what a fold's own rows are predicted with is the
number that the *other* folds would choose, so that no row has a say in its own score.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.contracts import Plan, Stage
from gyropilot.engine.lanes.messages import Advance, Advanced, Begin, Finish, Order

CHUNK_SECONDS = 0.5
FIRST_CHUNK = 5
LARGEST_CHUNK = 200
PATIENCE, PATIENCE_SHARE = 20, 0.12
"""Training goes on for so many steps, and this share of the best number of them, after the best."""


FEWEST_STEPS, LARGEST_RATE = 3, 0.5
"""What a training with a part of the steps has at least of these, and what its rate is raised to at most."""


@dataclass(kw_only=True)
class Fold:
    """How far one fold has come."""

    key: str
    number: int
    rows_share: float = 1.0
    steps_share: float = 1.0
    lane: int | None = None
    is_busy: bool = False
    is_exhausted: bool = False
    is_stored: bool = False
    losses: list[float] = field(default_factory=list)

    def begin_anew(self) -> None:
        """Forget what was trained: it is lost."""
        self.lane, self.is_busy, self.is_exhausted = None, False, False
        self.losses = []


class Candidate:
    """Knows which order which of its folds needs next. No lane gets more than its share of the folds.

    Args:
        plan: what is to be trained.
        stages: what is trained before each judgement, and at last what is kept.
        lanes: how many there are.
        check_rows: rows whose scores the exported models must repeat.
        table: the folder of the table that it learns from; empty: the one that the lanes have opened.
        folder: where its folds are stored.
    """

    def __init__(
        self, plan: Plan, stages: Sequence[Stage], lanes: int, check_rows: Sequence[int], table: str, folder: Path
    ) -> None:
        self.plan = plan
        self.stage = 0
        self._stages = stages
        self.folds = _make_folds(plan.id, stages[0], ())
        self._lanes = lanes
        self._table = table
        self._began_at, self._waits_since = float("inf"), 0.0
        self.fit_seconds = 0.0
        self.was_cut = False
        self._step_seconds, self._steps_timed = 0.0, 0
        self.steps = 0
        self._enough = 0
        self.stage_losses: list[tuple[float, ...]] = []
        """The loss of each fold of every stage that is through, at their best common number of steps."""
        self._honest_steps: list[int] = []
        self._check_rows = list(check_rows)
        self.folder = folder
        self._chunk = FIRST_CHUNK
        self._abilities = ALGORITHMS[plan.algorithm].abilities

    @property
    def is_last_stage(self) -> bool:
        """Whether what is being trained is what is kept."""
        return self.stage == len(self._stages) - 1

    @property
    def awaits_judgement(self) -> bool:
        """Whether a stage is through that is not the last one."""
        return self._enough > 0 and not self.is_last_stage

    @property
    def fold_count(self) -> int:
        """How many folds its last stage has."""
        return len(self._stages[-1].folds)

    def count_unstored(self, lanes: int) -> list[int]:
        """Return how many folds each lane has to store; those of no lane yet go to the first with room for them."""
        waiting = [fold for fold in self.folds if not fold.is_stored]
        counts = [sum(fold.lane == lane for fold in waiting) for lane in range(lanes)]
        for _ in range(len(waiting) - sum(counts)):
            counts[counts.index(min(counts))] += 1
        return counts

    def promote(self) -> list[Fold]:
        """Go on to the next stage; return the folds that are not gone on with."""
        self.stage += 1
        self._enough = 0
        self._began_at += time.monotonic() - self._waits_since
        before = self.folds
        self.folds = _make_folds(self.plan.id, self._stages[self.stage], before)
        return [fold for fold in before if fold not in self.folds]

    @property
    def is_finishing(self) -> bool:
        """Whether its number of steps is chosen and its folds are being stored."""
        return self.steps > 0

    @property
    def age_seconds(self) -> float:
        """Seconds since its first fold was there, but for those in which it waited for a judgement."""
        now = self._waits_since if self.awaits_judgement else time.monotonic()
        return max(now - self._began_at, 0.0)

    @property
    def seconds_per_step(self) -> float:
        """Lane time that one step of one fold takes."""
        return self._step_seconds / max(self._steps_timed, 1)

    @property
    def scheduled_steps(self) -> int:
        """How many steps of each fold the training is laid out for; 0: as many as help."""
        schedule = self._abilities.schedule
        return int(self._parameters(self.folds[0]).get(schedule, 0)) if schedule else 0

    def seconds_to_go(self, lanes: int) -> float:
        """Predict how long the rest of a laid-out training takes; 0 while that is not known."""
        steps = sum(max(self.scheduled_steps - len(fold.losses), 0) for fold in self.folds)
        return steps * self.seconds_per_step / min(lanes, len(self.folds))

    @property
    def is_stored(self) -> bool:
        """Whether all folds are stored."""
        return all(fold.is_stored for fold in self.folds)

    @property
    def common_steps(self) -> int:
        """Steps that every fold has made."""
        return min(len(fold.losses) for fold in self.folds)

    @property
    def paths(self) -> tuple[str, ...]:
        """For each fold, where its files are."""
        return tuple(str(self.folder / f"fold{fold.number}") for fold in self.folds)

    def next_order(self, lane: int) -> Order | None:
        """Return what the lane is to do for this candidate, if anything."""
        has_share = sum(fold.lane == lane for fold in self.folds) >= -(-len(self.folds) // self._lanes)
        for fold in self.folds:
            if fold.lane is None and not has_share:
                fold.lane, fold.is_busy = lane, True
                plan, parameters = self.plan, self._parameters(fold)
                return Begin(fold.key, plan.algorithm, parameters, fold.number, plan.seed, self._table, fold.rows_share)
        ready = [fold for fold in self.folds if fold.lane == lane and not fold.is_busy and not fold.is_stored]
        if self.awaits_judgement:
            return None
        for fold in sorted(ready, key=lambda each: len(each.losses)):
            missing = self._target(fold) - len(fold.losses)
            if missing > 0 and not fold.is_exhausted:
                fold.is_busy = True
                return Advance(fold.key, missing, 2 * CHUNK_SECONDS)
            if self.is_finishing:
                fold.is_busy = True
                path = self.paths[fold.number]
                return Finish(fold.key, self.steps, self._honest_steps[fold.number], self._check_rows, path)
        return None

    def holds(self, lane: int) -> bool:
        """Tell whether a lane has folds that are not stored."""
        return any(fold.lane == lane and not fold.is_stored for fold in self.folds)

    def lose(self, lane: int) -> str:
        """Have the folds of a lane that is gone begun anew; return the key of the one it was at work on, if any."""
        lost = [fold for fold in self.folds if fold.lane == lane and not fold.is_stored]
        busy = next((fold.key for fold in lost if fold.is_busy), "")
        for fold in lost:
            fold.begin_anew()
        return busy

    def _target(self, fold: Fold) -> int:
        """Return how many steps a fold is to make before the others are waited for."""
        if self.is_finishing:
            return max(self.steps, self._honest_steps[fold.number])
        return self.common_steps + self._chunk

    def advanced(self, answer: Advanced) -> None:
        """Note that a fold came further, and decide whether that is enough."""
        # The clock starts when the first fold is there: importing a library is not the candidate's time.
        self._began_at = min(self._began_at, time.monotonic())
        fold = self.fold(answer.fit)
        if fold is None:
            return
        fold.is_busy = False
        fold.is_exhausted = answer.is_finished
        fold.losses += answer.losses
        self.fit_seconds += answer.seconds
        if answer.losses and answer.seconds > 0:
            self._step_seconds += answer.seconds
            self._steps_timed += len(answer.losses)
            rate = len(answer.losses) / answer.seconds
            self._chunk = int(np.clip(rate * CHUNK_SECONDS, 1, LARGEST_CHUNK))
        if not self.is_finishing and not self.awaits_judgement:
            self._enough = self._find_enough()
            if self._enough and self.is_last_stage:
                self.finish(self._enough)
            elif self._enough:
                self._note_losses(self._enough)
                self._waits_since = time.monotonic()

    def cut(self) -> None:
        """Have what was trained so far stored."""
        self.was_cut = True
        self.finish(self.common_steps)

    def finish(self, steps_seen: int) -> None:
        """Choose the number of steps from the beginning of the loss curves; the folds are stored next."""
        curves = self._note_losses(steps_seen)
        self.steps = int(np.argmin(curves.mean(axis=0))) + 1
        others = curves.sum(axis=0) - curves if len(curves) > 1 else curves
        self._honest_steps = [int(np.argmin(np.nan_to_num(curve, nan=np.inf))) + 1 for curve in others]

    def fold(self, key: str) -> Fold | None:
        """Return the fold of a key, unless it was let go."""
        return next((fold for fold in self.folds if fold.key == key), None)

    def _parameters(self, fold: Fold) -> dict[str, Any]:
        """Return the parameters of a fold; one that makes a part of the steps makes them larger."""
        parameters = dict(self.plan.parameters)
        limit, rate = self._abilities.limit, self._abilities.rate
        if fold.steps_share < 1 and limit in parameters:
            parameters[limit] = max(round(int(parameters[limit]) * fold.steps_share), FEWEST_STEPS)
            if rate in parameters:
                parameters[rate] = max(min(float(parameters[rate]) / fold.steps_share, LARGEST_RATE), parameters[rate])
        return parameters

    def _note_losses(self, steps_seen: int) -> NDArray[np.float64]:
        curves = self._curves(steps_seen)
        self.stage_losses.append(tuple(curves[:, curves.mean(axis=0).argmin()].tolist()))
        return curves

    def _curves(self, steps: int) -> NDArray[np.float64]:
        curves = np.array([fold.losses[:steps] for fold in self.folds])
        return np.where(np.isfinite(curves), curves, np.inf)

    def _find_enough(self) -> int:
        """Return after how many steps there is nothing more to win, or 0 while that is not known.

        The answer follows from the curves alone, not from how far they reach: chunks of another length, on a busier
        machine, give the same model.
        """
        common = self.common_steps
        if common == 0:
            return 0
        curve = self._curves(common).mean(axis=0)
        lowest_before = np.concatenate([[np.inf], np.minimum.accumulate(curve)[:-1]])
        best = np.maximum.accumulate(np.where(curve < lowest_before, np.arange(common), 0))
        since = np.arange(common) - best
        late = np.flatnonzero(since >= PATIENCE + PATIENCE_SHARE * (best + 1))
        if len(late):
            return int(late[0]) + 1
        is_through = any(fold.is_exhausted and len(fold.losses) == common for fold in self.folds)
        return common if is_through else 0


def _make_folds(candidate: str, stage: Stage, before: Sequence[Fold]) -> list[Fold]:
    """Return the folds of a stage: those of the stage before where they are trained alike, and new ones."""
    known = {(fold.number, fold.rows_share, fold.steps_share): fold for fold in before}
    return [
        known.get((number, stage.rows_share, stage.steps_share))
        or Fold(
            key=f"{candidate}.{number}" + (f"of{round(1 / stage.rows_share)}" if stage.rows_share < 1 else ""),
            number=number,
            rows_share=stage.rows_share,
            steps_share=stage.steps_share,
        )
        for number in stage.folds
    ]
