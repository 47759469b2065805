"""Trains candidates over the lanes: the folds of one advance in step, and one common number of steps is chosen.

A candidate's folds advance together in chunks of about half a second. Its loss curve is the mean over the folds, which
is smooth enough to stop early by. What the folds keep is the best common number of steps; what a fold's own rows are
predicted with is the number that the *other* folds would choose, so that no row has a say in its own score.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.budget import Deadline
from gyropilot.engine.contracts import LaneDied, Lanes, Plan
from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes.messages import (
    Advance,
    Advanced,
    Begin,
    Drop,
    Failed,
    Finish,
    Finished,
    Open,
    Opened,
    Order,
)

CHUNK_SECONDS = 0.5
FIRST_CHUNK = 5
LARGEST_CHUNK = 200
DEATHS_IN_A_ROW = 3
PATIENCE, PATIENCE_SHARE = 20, 0.12
"""Training goes on for so many steps, and this share of the best number of them, after the best."""
LONGEST_WAIT = 0.25
STORE_SHARE = 0.35
"""Storing a fold takes, for each step, about this share of the time the step took; known better once measured."""
WOULD_BE_CUT = "Its training would have been cut short by the deadline."
TOO_LATE = "The time was over before it was trained."


@dataclass(frozen=True, kw_only=True)
class Began:
    """Training of a candidate began."""

    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Trained:
    """All folds of a candidate are stored."""

    plan: Plan
    steps: int
    """How many steps its models have."""
    fit_seconds: float
    """Lane time spent on it."""
    paths: tuple[str, ...]
    """For each fold, where its files are (`lanes/messages.py`, `Finish`)."""


@dataclass(frozen=True, kw_only=True)
class GaveUp:
    """A candidate was left unfinished."""

    plan: Plan
    reason: str
    was_stopped: bool
    """For lack of time rather than for an error."""


Outcome = Began | Trained | GaveUp


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When training ends."""

    deadline: Deadline
    """When the whole run must be over."""
    reserve: Callable[[], float]
    """Seconds before the deadline by which everything must be stored."""
    seconds_per_candidate: float | None = None
    """Wall-clock limit of one candidate."""
    stop: Event = field(default_factory=Event)
    """Set from outside to end at once with what there is."""


@dataclass(kw_only=True)
class _Fold:
    key: str
    number: int
    lane: int | None = None
    is_busy: bool = False
    is_exhausted: bool = False
    is_stored: bool = False
    losses: list[float] = field(default_factory=list)


class _Candidate:
    """One candidate in training: which order which of its folds needs next."""

    def __init__(self, plan: Plan, folds: int, check_rows: Sequence[int], folder: Path) -> None:
        self.plan = plan
        self.folds = [_Fold(key=f"{plan.id}.{number}", number=number) for number in range(folds)]
        self._began_at = float("inf")
        self.fit_seconds = 0.0
        self._step_seconds = 0.0
        self.steps = 0
        self._honest_steps: list[int] = []
        self._check_rows = list(check_rows)
        self._folder = folder
        self._chunk = FIRST_CHUNK
        self._schedule = ALGORITHMS[plan.algorithm].abilities.schedule

    @property
    def is_finishing(self) -> bool:
        return self.steps > 0

    @property
    def age_seconds(self) -> float:
        return max(time.monotonic() - self._began_at, 0.0)

    @property
    def seconds_per_step(self) -> float:
        """Lane time that one step of one fold takes."""
        return self._step_seconds / max(sum(len(fold.losses) for fold in self.folds), 1)

    @property
    def scheduled_steps(self) -> int:
        """How many steps of each fold the training is laid out for; 0: as many as help."""
        return int(self.plan.parameters.get(self._schedule, 0)) if self._schedule else 0

    def seconds_to_go(self, lanes: int) -> float:
        """Predict how long the rest of a laid-out training takes; 0 while that is not known."""
        steps = sum(max(self.scheduled_steps - len(fold.losses), 0) for fold in self.folds)
        return steps * self.seconds_per_step / lanes

    @property
    def is_stored(self) -> bool:
        return all(fold.is_stored for fold in self.folds)

    @property
    def common_steps(self) -> int:
        """Steps that every fold has made."""
        return min(len(fold.losses) for fold in self.folds)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(str(self._folder / f"fold{fold.number}") for fold in self.folds)

    def next_order(self, lane: int) -> Order | None:
        """Return what the lane is to do for this candidate, if anything."""
        if self.is_finishing:
            return self._next_finish(lane)
        for fold in self.folds:
            if fold.lane is None:
                fold.lane, fold.is_busy = lane, True
                plan = self.plan
                return Begin(fold.key, plan.algorithm, dict(plan.parameters), fold.number, plan.seed)
        target = self.common_steps + self._chunk
        ready = [
            fold
            for fold in self.folds
            if fold.lane == lane and not fold.is_busy and not fold.is_exhausted and len(fold.losses) < target
        ]
        if not ready:
            return None
        fold = min(ready, key=lambda each: len(each.losses))
        fold.is_busy = True
        return Advance(fold.key, target - len(fold.losses), 2 * CHUNK_SECONDS)

    def advanced(self, answer: Advanced) -> None:
        """Note that a fold came further, and decide whether that is enough."""
        # The clock starts when the first fold is there: importing a library is not the candidate's time.
        self._began_at = min(self._began_at, time.monotonic())
        fold = self.fold(answer.fit)
        fold.is_busy = False
        fold.is_exhausted = answer.is_finished
        fold.losses += answer.losses
        self.fit_seconds += answer.seconds
        if answer.losses and answer.seconds > 0:
            self._step_seconds += answer.seconds
            rate = len(answer.losses) / answer.seconds
            self._chunk = int(np.clip(rate * CHUNK_SECONDS, 1, LARGEST_CHUNK))
        if not self.is_finishing:
            enough = self._find_enough()
            if enough:
                self.finish(enough)

    def finish(self, steps_seen: int) -> None:
        """Choose the number of steps from the beginning of the loss curves; the folds are stored next."""
        curves = self._curves(steps_seen)
        self.steps = int(np.argmin(curves.mean(axis=0))) + 1
        others = curves.sum(axis=0) - curves if len(curves) > 1 else curves
        self._honest_steps = [int(np.argmin(np.nan_to_num(curve, nan=np.inf))) + 1 for curve in others]

    def fold(self, key: str) -> _Fold:
        return self.folds[int(key.rpartition(".")[2])]

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

    def _next_finish(self, lane: int) -> Order | None:
        for fold, path in zip(self.folds, self.paths, strict=True):
            if fold.lane == lane and not fold.is_busy and not fold.is_stored:
                fold.is_busy = True
                return Finish(fold.key, self.steps, self._honest_steps[fold.number], self._check_rows, path)
        return None


class Training:
    """Trains plan after plan until there is none any more, or the time is over.

    Args:
        lanes: where to train.
        data_folder: the prepared data.
        candidates_folder: where each candidate gets a folder for its folds.
        next_plan: asked for what to train next when a lane has nothing to do; None: nothing, for now.
        folds: how many there are.
        check_rows: rows whose scores the exported models must repeat.
        limits: when training ends.
    """

    def __init__(
        self,
        *,
        lanes: Lanes,
        data_folder: Path,
        candidates_folder: Path,
        next_plan: Callable[[], Plan | None],
        folds: int,
        check_rows: Sequence[int],
        limits: Limits,
    ) -> None:
        self._lanes = lanes
        self._data_folder = data_folder
        self._candidates_folder = candidates_folder
        self._next_plan = next_plan
        self._waiting: Plan | None = None
        self._fold_count = folds
        self._check_rows = check_rows
        self._limits = limits
        self._active: list[_Candidate] = []
        self._idle: set[int] = set()
        self._deaths = 0
        self._trained = 0
        self._store_rates: dict[str, float] = {}
        self._ages: list[float] = []
        self._outcomes: list[Outcome] = []

    def run(self) -> Iterator[Outcome]:
        """Yield what happens. While the caller looks at an outcome, the lanes go on."""
        for lane in range(self._lanes.count):
            self._lanes.send(lane, Open(str(self._data_folder)))
        while not self._is_over():
            self._end_what_is_late()
            self._dispatch()
            yield from self._take_outcomes()
            wait = min(LONGEST_WAIT, max(self._seconds_left(), 0))
            received = self._lanes.receive(wait)
            while received is not None:
                self._handle(*received)
                received = self._lanes.receive(0)
            self._dispatch()
            yield from self._take_outcomes()
        for candidate in list(self._active):
            self._give_up(candidate, TOO_LATE, was_stopped=True)
        yield from self._take_outcomes()

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        if self._seconds_left() <= 0:
            return True
        return not self._active and not self._may_begin()

    def _may_begin(self) -> bool:
        # What could train for less than half as long as the others did would be worth little.
        least = 0.5 * float(np.median(self._ages)) if self._ages else 0.0
        if self._limits.stop.is_set() or self._advance_seconds_left() <= least:
            return False
        self._waiting = self._waiting or self._next_plan()
        return self._waiting is not None

    def _seconds_left(self) -> float:
        """Seconds until everything must be stored."""
        return self._limits.deadline.seconds_left - self._limits.reserve()

    def _advance_seconds_left(self) -> float:
        """Seconds until training must stop so that what is being trained can be stored."""
        return self._seconds_left() - 2 * CHUNK_SECONDS - 1.3 * sum(map(self._store_seconds, self._active))

    def _store_seconds(self, candidate: _Candidate) -> float:
        """Predict how long a candidate's folds take to be stored: in proportion to its steps."""
        rate = self._store_rates.get(candidate.plan.algorithm, STORE_SHARE * candidate.seconds_per_step)
        folds = -(-self._fold_count // self._lanes.count)
        # Trees are evaluated one by one; what is trained by a schedule is evaluated as it stands.
        steps = 1 if candidate.scheduled_steps else candidate.steps or candidate.common_steps
        return folds * rate * steps

    def _end_what_is_late(self) -> None:
        is_late = self._advance_seconds_left() <= 0 or self._limits.stop.is_set()
        if is_late and len(self._active) > 1 and not self._active[-1].is_finishing:
            # There is no time to store all: the youngest, which has learned least, makes room for the others.
            self._give_up(self._active[-1], TOO_LATE, was_stopped=True)
            is_late = self._advance_seconds_left() <= 0 or self._limits.stop.is_set()
        limit = self._limits.seconds_per_candidate
        for candidate in list(self._active):
            if candidate.is_finishing:
                continue
            if self._trained and candidate.seconds_to_go(self._lanes.count) > max(self._advance_seconds_left(), 0):
                self._give_up(candidate, WOULD_BE_CUT, was_stopped=True)
                continue
            is_over_limit = limit is not None and candidate.age_seconds > limit
            if not (is_late or is_over_limit):
                continue
            if candidate.common_steps > 0:
                candidate.finish(candidate.common_steps)
            elif is_over_limit:
                self._give_up(candidate, f"It was not trained within its limit of {limit:g} s.", was_stopped=True)
            elif self._trained or self._limits.stop.is_set():
                self._give_up(candidate, TOO_LATE, was_stopped=True)

    def _dispatch(self) -> None:
        for lane in sorted(self._idle):
            order = self._next_order(lane)
            if order is not None:
                self._idle.discard(lane)
                self._lanes.send(lane, order)

    def _next_order(self, lane: int) -> Order | None:
        for candidate in self._active:
            order = candidate.next_order(lane)
            if order is not None:
                return order
        if len(self._active) > self._lanes.count or not self._may_begin():
            return None
        if self._active and self._limits.deadline.seconds_left < self._active[-1].age_seconds:
            return None  # what would begin now could not come as far as those before it
        plan, self._waiting = self._waiting, None
        assert plan is not None
        folder = self._candidates_folder / plan.id
        folder.mkdir(parents=True, exist_ok=True)
        candidate = _Candidate(plan, self._fold_count, self._check_rows, folder)
        self._active.append(candidate)
        self._outcomes.append(Began(plan=plan))
        return candidate.next_order(lane)

    # --- hearing ------------------------------------------------------------------------------------------------------

    def _handle(self, lane: int, answer: object) -> None:
        match answer:
            case Opened():
                self._idle.add(lane)
            case Advanced(fit):
                self._hear_of(lane)
                candidate = self._find(fit)
                if candidate is not None:
                    candidate.advanced(answer)
                    if answer.is_finished and not candidate.fold(fit).losses:
                        self._give_up(candidate, "There was no step that it could learn.", was_stopped=False)
            case Finished(fit, seconds):
                self._hear_of(lane)
                self._stored(fit, seconds)
            case Failed(fit, reason):
                self._hear_of(lane)
                failed = self._find(fit)
                if failed is not None:
                    self._give_up(failed, reason, was_stopped=False)
            case LaneDied(words=words):
                self._lane_died(lane, words)

    def _hear_of(self, lane: int) -> None:
        self._deaths = 0
        self._idle.add(lane)

    def _find(self, fit: str) -> _Candidate | None:
        name = fit.rpartition(".")[0]
        return next((candidate for candidate in self._active if candidate.plan.id == name), None)

    def _stored(self, fit: str, seconds: float) -> None:
        candidate = self._find(fit)
        if candidate is None:
            return
        fold = candidate.fold(fit)
        fold.is_busy, fold.is_stored = False, True
        candidate.fit_seconds += seconds
        name = candidate.plan.algorithm
        steps = 1 if candidate.scheduled_steps else candidate.steps
        self._store_rates[name] = max(self._store_rates.get(name, 0), seconds / steps)
        if candidate.is_stored:
            self._active.remove(candidate)
            self._ages.append(candidate.age_seconds)
            self._trained += 1
            self._outcomes.append(
                Trained(
                    plan=candidate.plan,
                    steps=candidate.steps,
                    fit_seconds=candidate.fit_seconds,
                    paths=candidate.paths,
                )
            )

    def _lane_died(self, lane: int, words: str) -> None:
        self._deaths += 1
        if self._deaths >= DEATHS_IN_A_ROW:
            raise LaneError(f"The training processes end as soon as they are started: {words}")
        self._idle.discard(lane)
        for candidate in list(self._active):
            if any(fold.lane == lane and not fold.is_stored for fold in candidate.folds):
                self._give_up(candidate, f"Its training process died: {words}"[:500], was_stopped=False, dead=lane)
        self._lanes.restart(lane)
        self._lanes.send(lane, Open(str(self._data_folder)))

    def _give_up(self, candidate: _Candidate, reason: str, *, was_stopped: bool, dead: int | None = None) -> None:
        self._active.remove(candidate)
        for fold in candidate.folds:
            if fold.lane is not None and fold.lane != dead:
                self._lanes.send(fold.lane, Drop(fold.key))
        self._outcomes.append(GaveUp(plan=candidate.plan, reason=reason, was_stopped=was_stopped))

    def _take_outcomes(self) -> list[Outcome]:
        taken, self._outcomes = self._outcomes, []
        return taken
