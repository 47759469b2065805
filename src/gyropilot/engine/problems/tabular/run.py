"""What runs on tables have in common, whichever way they look for a model: data, lanes, candidates, the end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Event as Flag

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.budget import Budget, Deadline
from gyropilot.engine.contracts import Algorithm, Lanes, Plan, TrainingData
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.errors import BudgetSpentError, BundleError, LaneError, TrainingError
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateResult,
    CandidateStarted,
    DataRead,
    Event,
    Found,
    Phase,
    PhaseBegan,
)
from gyropilot.engine.lanes.forking import CAN_FORK, prepare_nursery
from gyropilot.engine.lanes.inline import InlineLane
from gyropilot.engine.lanes.local import LocalLanes
from gyropilot.engine.lanes.memory import choose_limit
from gyropilot.engine.lanes.outcomes import Began, GaveUp, Halted, Outcome, Trained
from gyropilot.engine.lanes.stages import Referee
from gyropilot.engine.lanes.training import Limits, Training
from gyropilot.engine.metrics.catalogue import Metric, find_metric
from gyropilot.engine.problems.tabular.candidates import Finished, Workbench
from gyropilot.engine.problems.tabular.prepare import Prepared, prepare
from gyropilot.engine.task import Mode, Task

LONG_SECONDS = 300.0
"""In a run at least so long the libraries of all its algorithms are imported before the second model is begun."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What a run is asked for."""

    source: Source
    """The rows to learn from."""
    validation: Source | None
    """Rows that candidates are only scored on."""
    task: Task
    """What is to be learned, in a mode that is decided."""
    budget: Budget
    """The limits."""
    folder: Path
    """Where the run keeps its state."""
    stop: Flag = field(default_factory=Flag)
    """Set from outside to end the run with the best model so far."""
    plans: tuple[Plan, ...] = ()
    """What to train, in this order, instead of the portfolio and its variations."""


class TabularRun(ABC):
    """One run: what its steps know and leave to each other."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._task = assignment.task
        self._budget = assignment.budget
        self._folder = assignment.folder
        self._stop = assignment.stop
        self._deadline = Deadline.after(self._budget.max_runtime_seconds)
        limit = self._budget.memory_bytes
        self._memory_bytes = choose_limit() if limit is None else limit
        self._algorithms = find_algorithms(self._task.algorithms, self._task.mode)
        self._finished: dict[str, Finished] = {}
        self._failures: list[str] = []
        self._was_cut = False
        self._publish_seconds: list[float] = []
        self._prepared: Prepared
        self._data: TrainingData
        self._objective: Metric
        self._lanes: Lanes

    def run(self) -> Iterator[Event]:
        """Go through the steps and yield what happens.

        Raises:
            DataError: when nothing can be learned from the data.
            TaskError: when the objective does not fit the problem type.
            BudgetSpentError: when the time was over, or a stop asked for, before there was a model.
            TrainingError: when every candidate failed.
        """
        self._lanes = self._start_lanes()
        with closing(self._lanes):
            for step in (self._analyse, self._open, self._train, self._conclude):
                yield from step()

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _analyse(self) -> Iterator[Event]:
        """Read the data and understand it, while the libraries are imported."""
        yield PhaseBegan(phase=Phase.ANALYZING)
        given = self._assignment
        core_seconds = (self._budget.max_runtime_seconds or float("inf")) * self._budget.lanes
        self._prepared = prepare(given.source, given.validation, self._task, self._folder, core_seconds)
        self._objective = find_metric(self._prepared.problem_type, self._task.objective)
        yield DataRead(
            rows=self._prepared.rows,
            columns=len(self._prepared.encoder.encoders),
            folds=self._prepared.fold_count,
            problem_type=self._prepared.problem_type.value,
            objective=self._objective.name,
        )
        for finding in self._prepared.findings:
            yield Found(message=str(finding))

    def _open(self) -> Iterator[Event]:
        """Map the prepared data."""
        yield PhaseBegan(phase=Phase.PREPARING)
        self._data = read_training_data(self._folder / "data")

    @abstractmethod
    def _train(self) -> Iterator[Event]:
        """Train candidates."""

    @abstractmethod
    def _conclude(self) -> Iterator[Event]:
        """Name the best candidate."""

    @abstractmethod
    def _bench_of(self, plan: Plan) -> Workbench:
        """Return what makes a bundle of a candidate."""

    @abstractmethod
    def _next_plan(self) -> Plan | None:
        """Return what to train next; None: nothing, for now."""

    # --- inside -------------------------------------------------------------------------------------------------------

    def _start_lanes(self) -> Lanes:
        """Start lanes that are ready for the first algorithm, so that its model waits for no library of another."""
        if self._budget.in_process:
            return InlineLane()
        first, *others = self._algorithms
        later = self._modules_of(other for other in others if not other.abilities.extra)
        modules = self._modules_of([first])
        lanes = LocalLanes(self._budget.cores, self._folder / "lanes", modules if CAN_FORK else [*modules, *later])
        prepare_nursery(later)
        return lanes

    def _use_lanes(self, names: Iterable[str]) -> closing[Lanes]:
        """Return the lanes, which are started anew for what only later ones of these algorithms need.

        That is imported before they are forked, and they share the memory of it. The libraries of an extra take
        seconds: a short run does not make its first model wait for them.
        """
        limit = self._budget.max_runtime_seconds
        is_long = limit is None or limit >= LONG_SECONDS
        order = list(dict.fromkeys(names))
        found = find_algorithms(order, self._task.mode) if order else []
        if isinstance(self._lanes, LocalLanes):
            expected = [each for each in found if is_long or each.name == order[0] or not each.abilities.extra]
            self._lanes.expect(self._modules_of(expected))
        return closing(self._lanes)

    def _modules_of(self, algorithms: Iterable[Algorithm]) -> list[str]:
        """Return what the fits of algorithms import in the run's mode."""
        is_tuning = self._task.mode is Mode.HYPERPARAMETER_TUNING
        each = (one.abilities.modules + (one.abilities.tuning_modules if is_tuning else ()) for one in algorithms)
        return list(dict.fromkeys(chain.from_iterable(each)))

    def _train_over(self, lanes: Lanes, referee: Referee) -> Iterator[Event]:
        """Train plan after plan and yield what happens."""
        training = Training(
            lanes=lanes,
            data_folder=self._folder / "data",
            candidates_folder=self._folder / "candidates",
            next_plan=self._next_plan,
            referee=referee,
            check_rows=self._prepared.check_rows,
            limits=self._limits(),
        )
        try:
            for outcome in training.run():
                self._was_cut |= isinstance(outcome, GaveUp) and outcome.was_stopped
                yield from self._tell(outcome)
        except LaneError as error:
            if not self._finished:
                raise
            yield Found(message=f"Training ended early. {error}")
        self._was_cut |= training.has_left_out

    def _limits(self) -> Limits:
        return Limits(
            deadline=self._deadline,
            reserve=self._final_seconds,
            seconds_per_candidate=self._budget.max_runtime_per_candidate_seconds,
            memory_bytes=self._memory_bytes,
            stop=self._stop,
        )

    @abstractmethod
    def _final_seconds(self) -> float:
        """Return how long the end of the run will take."""

    def _tell(self, outcome: Outcome) -> Iterator[Event]:
        plan = outcome.plan
        match outcome:
            case Began():
                yield CandidateStarted(id=plan.id, algorithm=plan.algorithm, parameters=plan.parameters)
            case GaveUp():
                yield self._tell_of_failure(outcome)
            case Trained():
                yield self._finish(outcome)
            case Halted():
                raise AssertionError("only tuning halts candidates")

    def _tell_of_failure(self, outcome: GaveUp) -> CandidateFailed:
        plan = outcome.plan
        if not outcome.was_stopped:
            self._failures.append(f"{plan.algorithm}: {outcome.reason}")
        return CandidateFailed(
            id=plan.id, algorithm=plan.algorithm, reason=outcome.reason, was_stopped=outcome.was_stopped
        )

    def _finish(self, trained: Trained) -> CandidateFinished | CandidateFailed:
        began = time.monotonic()
        try:
            event = self._keep(self._bench_of(trained.plan).finish(trained))
        except BundleError as error:
            self._failures.append(f"{trained.plan.algorithm}: {error}")
            return CandidateFailed(id=trained.plan.id, algorithm=trained.plan.algorithm, reason=str(error))
        self._publish_seconds.append(time.monotonic() - began)
        return event

    def _keep(self, finished: Finished) -> CandidateFinished:
        others = [loss_of(each.result) for each in self._finished.values()]
        self._finished[finished.result.id] = finished
        return CandidateFinished(
            result=finished.result, is_best=all(loss_of(finished.result) < other for other in others)
        )

    def _complain(self) -> None:
        """Raise what a run ends with that has no model."""
        if self._failures:
            raise TrainingError(f"No candidate could be trained. {self._failures[0]}")
        if self._stop.is_set():
            raise BudgetSpentError("The run was stopped before a first candidate was trained.")
        limit = self._budget.max_runtime_seconds
        if limit is None:
            limit = self._budget.max_runtime_per_candidate_seconds
            raise BudgetSpentError(f"No candidate was trained within max_runtime_per_candidate_seconds, {limit:g}.")
        raise BudgetSpentError(f"The budget of {limit:g} s ended before a first candidate was trained.")

    def _reason(self) -> str:
        """Return why the run ended."""
        if self._stop.is_set():
            return "stopped"
        if self._was_cut:
            return "deadline"
        if self._budget.max_candidates is not None:
            return "max_candidates"
        return "portfolio" if self._budget.max_runtime_seconds is None else "saturated"


def loss_of(result: CandidateResult) -> float:
    """Return the objective turned so that less is better; a figure that is no number comes last."""
    value = -result.objective.value if result.objective.higher_is_better else result.objective.value
    return value if value == value else float("inf")
