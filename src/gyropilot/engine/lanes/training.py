"""Trains candidates over the lanes, as many as the limits allow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from gyropilot.engine.budget import Deadline
from gyropilot.engine.contracts import LaneDied, Lanes, Plan
from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes.candidate import CHUNK_SECONDS, Candidate, Fold
from gyropilot.engine.lanes.messages import Advanced, Drop, Failed, Finished, Open, Opened, Order
from gyropilot.engine.lanes.outcomes import Began, GaveUp, Halted, Outcome, Trained
from gyropilot.engine.lanes.pace import Pace
from gyropilot.engine.lanes.stages import Referee

DEATHS_IN_A_ROW = 3
LONGEST_WAIT = 0.25
MEMORY_SECONDS = 0.5
"""How often the lanes' memory is looked at."""
MOST_DEFERRED = 8
"""So many plans that take too long are passed over in search of one that does not."""
WOULD_BE_CUT = "Its training would have been cut short by the deadline."
TOO_LATE = "The time was over before it was trained."
TOO_LARGE = "An earlier candidate of this algorithm took more memory than there is."
COLLAPSED = "The training processes ended again and again."


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When training ends."""

    deadline: Deadline
    """When the whole run must be over."""
    reserve: Callable[[], float]
    """Seconds before the deadline by which everything must be stored."""
    seconds_per_candidate: float | None = None
    """Wall-clock limit of one candidate."""
    memory_bytes: int | None = None
    """What the lanes may hold together; None: as much as they like."""
    stop: Event = field(default_factory=Event)
    """Set from outside to end at once with what there is."""


class Training:
    """Trains plan after plan until there is none any more, or the time is over.

    Args:
        lanes: where to train.
        data_folder: the prepared data.
        candidates_folder: where each candidate gets a folder for its folds.
        next_plan: asked for what to train next when a lane has nothing to do; None: nothing, for now.
        referee: says in which stages candidates are trained.
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
        referee: Referee,
        check_rows: Sequence[int],
        limits: Limits,
    ) -> None:
        self._lanes = lanes
        self._data_folder = data_folder
        self._candidates_folder = candidates_folder
        self._next_plan = next_plan
        self._deferred: deque[Plan] = deque()
        self._referee = referee
        self._check_rows = check_rows
        self._limits = limits
        self._active: list[Candidate] = []
        self._idle: set[int] = set()
        self._deaths = 0
        self._last_words = ""
        self._trained = 0
        self._pace = Pace()
        self._too_large: set[str] = set()
        self._memory_known_at = time.monotonic()
        self._outcomes: list[Outcome] = []

    @property
    def has_left_out(self) -> bool:
        """Whether there were plans for which the time did not suffice."""
        return bool(self._deferred)

    def run(self) -> Iterator[Outcome]:
        """Yield what happens. While the caller looks at an outcome, the lanes go on.

        Raises:
            LaneError: when the lanes end again and again.
        """
        for lane in range(self._lanes.count):
            self._lanes.send(lane, Open(str(self._data_folder)))
        while not self._is_over():
            self._end_what_is_late()
            self._end_what_is_too_large()
            self._dispatch()
            yield from self._take_outcomes()
            wait = min(LONGEST_WAIT, max(self._seconds_left(), 0))
            received = self._lanes.receive(wait)
            while received is not None:
                self._handle(*received)
                received = self._lanes.receive(0)
            self._judge_all()
            self._dispatch()
            yield from self._take_outcomes()
            self._judge_all()  # of what the referee has learned from these
            if self._is_at_a_standstill():
                self._judge_all(at_once=True)  # what they wait for does not come
        for candidate in list(self._active):
            self._give_up(
                candidate, COLLAPSED if self._has_collapsed else TOO_LATE, was_stopped=not self._has_collapsed
            )
        yield from self._take_outcomes()
        if self._has_collapsed:
            raise LaneError(f"The training processes end as soon as they are started: {self._last_words}")

    # --- deciding -----------------------------------------------------------------------------------------------------

    @property
    def _has_collapsed(self) -> bool:
        return self._deaths >= DEATHS_IN_A_ROW

    def _is_over(self) -> bool:
        if self._seconds_left() <= 0 or self._has_collapsed:
            return True
        return not self._active and not self._find_plan()

    def _is_at_a_standstill(self) -> bool:
        """Tell whether all candidates wait for each other, and no lane has anything to do."""
        is_idle = len(self._idle) == self._lanes.count
        return is_idle and bool(self._active) and all(candidate.awaits_judgement for candidate in self._active)

    def _find_plan(self) -> bool:
        """Tell whether there is something to begin; it is the first of the deferred plans then."""
        if self._limits.stop.is_set() or self._advance_seconds_left() <= 0:
            return False
        for _ in range(len(self._deferred)):
            if self._fits(self._deferred[0]):
                return True
            self._deferred.rotate(-1)
        while len(self._deferred) < MOST_DEFERRED and (plan := self._next_plan()) is not None:
            if plan.algorithm in self._too_large:
                self._outcomes += [Began(plan=plan), GaveUp(plan=plan, reason=TOO_LARGE, was_stopped=False)]
            elif self._fits(plan):
                self._deferred.appendleft(plan)
                return True
            else:
                self._deferred.append(plan)
        return False

    def _fits(self, plan: Plan) -> bool:
        """Tell whether a candidate is worth beginning beside those that are being trained."""
        candidate = self._candidate(plan)
        seconds = self._advance_seconds_left(candidate)
        promised = sum(map(self._pace.predict_remaining, self._active))
        # One of fewer folds than lanes takes part of these, and so do those beside it.
        lanes = min(candidate.fold_count, self._lanes.count)
        free = seconds * lanes - promised * lanes / self._lanes.count
        return seconds > 0 and self._pace.predict_least(candidate) <= free

    def _candidate(self, plan: Plan) -> Candidate:
        folder = self._candidates_folder / plan.id
        table = str(self._data_folder / plan.table) if plan.table else ""
        return Candidate(plan, self._referee.stages(plan), self._lanes.count, self._check_rows, table, folder)

    def _seconds_left(self) -> float:
        """Seconds until everything must be stored."""
        return self._limits.deadline.seconds_left - self._limits.reserve()

    def _advance_seconds_left(self, *others: Candidate) -> float:
        """Seconds until training must stop so that what is being trained, and these others, can be stored."""
        storing = [0.0] * self._lanes.count
        for candidate in (*self._active, *others):
            seconds = self._pace.predict_storing(candidate)
            for lane, folds in enumerate(candidate.count_unstored(self._lanes.count)):
                storing[lane] += folds * seconds
        return self._seconds_left() - 2 * CHUNK_SECONDS - 1.3 * max(storing)

    def _end_what_is_late(self) -> None:
        is_late = self._advance_seconds_left() <= 0 or self._limits.stop.is_set()
        if is_late and (youngest := self._find_in_the_way()) is not None:
            # There is no time to store all: the youngest, which has learned least, makes room for the others.
            self._pace.note_spent(youngest)
            self._give_up(youngest, TOO_LATE, was_stopped=True)
            is_late = self._advance_seconds_left() <= 0 or self._limits.stop.is_set()
        limit = self._limits.seconds_per_candidate
        for candidate in list(self._active):
            if candidate.is_finishing:
                continue
            if self._trained and candidate.seconds_to_go(self._lanes.count) > max(self._advance_seconds_left(), 0):
                self._pace.note_spent(candidate)
                self._give_up(candidate, WOULD_BE_CUT, was_stopped=True)
                continue
            is_over_limit = limit is not None and candidate.age_seconds > limit
            if not (is_late or is_over_limit):
                continue
            if candidate.common_steps > 0 and candidate.is_last_stage:
                candidate.cut()
            elif is_over_limit:
                self._give_up(candidate, f"It was not trained within its limit of {limit:g} s.", was_stopped=True)
            elif self._trained or self._limits.stop.is_set():
                self._give_up(candidate, TOO_LATE, was_stopped=True)

    def _find_in_the_way(self) -> Candidate | None:
        """Return the youngest candidate, if one lane has to store folds of it and of another."""
        if len(self._active) < 2 or self._active[-1].is_finishing:
            return None
        *others, youngest = self._active
        taken = {fold.lane for candidate in others for fold in candidate.folds if not fold.is_stored}
        is_shared = any(fold.lane is None or fold.lane in taken for fold in youngest.folds)
        return youngest if is_shared or None in taken else None

    def _dispatch(self) -> None:
        for lane in sorted(self._idle):
            order = self._next_order(lane)
            if order is not None:
                self._idle.discard(lane)
                self._lanes.send(lane, order)

    def _next_order(self, lane: int) -> Order | None:
        for candidate in self._active:
            if self._is_outgrown(lane, candidate.plan):
                return None
            order = candidate.next_order(lane)
            if order is not None:
                return order
        training = sum(not candidate.awaits_judgement for candidate in self._active)
        if training > self._lanes.count or self._is_kept_free(lane) or not self._find_plan():
            return None
        if self._active and not self._would_come_as_far():
            return None
        if self._is_outgrown(lane, self._deferred[0]):
            return None
        candidate = self._candidate(self._deferred.popleft())
        candidate.folder.mkdir(parents=True, exist_ok=True)
        self._active.append(candidate)
        self._outcomes.append(Began(plan=candidate.plan))
        return candidate.next_order(lane)

    def _is_outgrown(self, lane: int, plan: Plan) -> bool:
        """Tell whether a lane lacks libraries that a plan needs; it is started anew as soon as it holds nothing."""
        if self._lanes.is_ready_for(lane, plan.algorithm):
            return False
        if not any(candidate.holds(lane) for candidate in self._active):
            self._restart(lane)
        return True

    def _would_come_as_far(self) -> bool:
        """Tell whether what begins now could come as far as the youngest of those that are being trained.

        One that does not take all lanes leaves the others nothing else to do.
        """
        youngest = self._active[-1]
        takes_all = youngest.fold_count >= self._lanes.count
        return not takes_all or self._limits.deadline.seconds_left >= youngest.age_seconds

    def _is_kept_free(self, lane: int) -> bool:
        """Tell whether a lane waits for the next chunk of a first candidate: no model may come too late for another."""
        is_first = self._active and not self._trained and self._limits.deadline.seconds_left < float("inf")
        return bool(is_first) and any(fold.lane in (lane, None) for fold in self._active[0].folds)

    def _end_what_is_too_large(self) -> None:
        """Give up the youngest candidate when the lanes hold too much, and start its lanes anew: that frees all of it.

        What older candidates have in these lanes is trained anew.
        """
        limit = self._limits.memory_bytes
        if limit is None or not self._active or time.monotonic() < self._memory_known_at + MEMORY_SECONDS:
            return
        self._memory_known_at = time.monotonic()
        held = self._lanes.memory_bytes(limit)
        if held <= limit:
            return
        youngest = self._active[-1]
        if len(self._active) == 1:
            self._too_large.add(youngest.plan.algorithm)
        reason = f"Training held {held / 2**30:.2f} GiB of memory; the limit is {limit / 2**30:.2f} GiB."
        lanes = {fold.lane for fold in youngest.folds if fold.lane is not None}
        self._give_up(youngest, reason, was_stopped=False)
        for lane in sorted(lanes):
            for candidate in self._active:
                candidate.lose(lane)
            self._restart(lane)

    # --- hearing ------------------------------------------------------------------------------------------------------

    def _handle(self, lane: int, answer: object) -> None:
        match answer:
            case Opened():
                self._idle.add(lane)
            case Advanced(fit):
                self._hear_of(lane)
                candidate = self._find(fit)
                if candidate is not None:
                    self._advanced(candidate, answer)
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

    def _advanced(self, candidate: Candidate, answer: Advanced) -> None:
        candidate.advanced(answer)
        fold = candidate.fold(answer.fit)
        if answer.is_finished and fold is not None and not fold.losses:
            self._give_up(candidate, "There was no step that it could learn.", was_stopped=False)

    def _judge_all(self, *, at_once: bool = False) -> None:
        """Have candidates judged that are through with a stage; again, as one judgement may allow another."""
        is_through = False
        while not is_through:
            waiting = [candidate for candidate in self._active if candidate.awaits_judgement]
            verdicts = [self._judge(candidate, at_once=at_once) for candidate in waiting]
            is_through = not any(verdicts)

    def _judge(self, candidate: Candidate, *, at_once: bool) -> bool:
        """Let a candidate go on to its next stage, or halt it; return whether it was judged."""
        plan = candidate.plan
        verdict = self._referee.lets_on(plan, candidate.stage, candidate.stage_losses[-1], at_once=at_once)
        if verdict:
            self._drop(candidate.promote())
        elif verdict is not None:
            self._halt(candidate)
        return verdict is not None

    def _halt(self, candidate: Candidate) -> None:
        plan = candidate.plan
        self._active.remove(candidate)
        self._drop(candidate.folds)
        self._outcomes.append(
            Halted(plan=plan, fit_seconds=candidate.fit_seconds, stage_losses=tuple(candidate.stage_losses))
        )

    def _drop(self, folds: Sequence[Fold]) -> None:
        for fold in folds:
            if fold.lane is not None:
                self._lanes.send(fold.lane, Drop(fold.key))

    def _hear_of(self, lane: int) -> None:
        self._deaths = 0
        self._idle.add(lane)

    def _find(self, fit: str) -> Candidate | None:
        name = fit.rpartition(".")[0]
        return next((candidate for candidate in self._active if candidate.plan.id == name), None)

    def _stored(self, fit: str, seconds: float) -> None:
        candidate = self._find(fit)
        if candidate is None:
            return
        fold = candidate.fold(fit)
        assert fold is not None, "what is being stored is not let go"
        fold.is_busy, fold.is_stored = False, True
        candidate.fit_seconds += seconds
        self._pace.note_stored(candidate, seconds)
        if candidate.is_stored:
            self._active.remove(candidate)
            self._pace.note_spent(candidate)
            self._trained += 1
            self._outcomes.append(
                Trained(
                    plan=candidate.plan,
                    steps=candidate.steps,
                    fit_seconds=candidate.fit_seconds,
                    paths=candidate.paths,
                    stage_losses=tuple(candidate.stage_losses),
                    was_cut=candidate.was_cut,
                )
            )

    def _lane_died(self, lane: int, words: str) -> None:
        """Give up what the lane was at work on; what it held besides is trained anew."""
        self._deaths += 1
        self._last_words = words
        for candidate in list(self._active):
            if candidate.lose(lane):
                self._give_up(candidate, f"Its training process died. {words}"[:500], was_stopped=False)
        self._restart(lane)

    def _restart(self, lane: int) -> None:
        self._idle.discard(lane)
        self._lanes.restart(lane)
        self._lanes.send(lane, Open(str(self._data_folder)))

    def _give_up(self, candidate: Candidate, reason: str, *, was_stopped: bool) -> None:
        self._active.remove(candidate)
        self._drop(candidate.folds)
        self._outcomes.append(GaveUp(plan=candidate.plan, reason=reason, was_stopped=was_stopped))

    def _take_outcomes(self) -> list[Outcome]:
        taken, self._outcomes = self._outcomes, []
        return taken
