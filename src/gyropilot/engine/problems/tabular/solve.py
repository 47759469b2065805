"""Solves a tabular problem: the steps of a run, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event as Flag

import numpy as np

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.budget import Budget, Deadline
from gyropilot.engine.contracts import Algorithm, Lanes, Plan, TrainingData
from gyropilot.engine.data.source import Source
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.ensemble.greedy import fit_ensemble
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
    RunFinished,
)
from gyropilot.engine.lanes.forking import prepare_nursery
from gyropilot.engine.lanes.inline import InlineLane
from gyropilot.engine.lanes.local import LocalLanes
from gyropilot.engine.lanes.memory import choose_limit
from gyropilot.engine.lanes.training import Began, GaveUp, Limits, Outcome, Trained, Training
from gyropilot.engine.metrics.catalogue import Metric, find_metric, stand_ins, surrogate
from gyropilot.engine.metrics.choice import predict_advantage
from gyropilot.engine.problems.tabular.candidates import ENSEMBLE, Draft, Finished, Workbench, settings_of
from gyropilot.engine.problems.tabular.prepare import Prepared, prepare
from gyropilot.engine.search.portfolio import ENSEMBLE_FROM, plan_candidates
from gyropilot.engine.search.variation import Tried, Variations
from gyropilot.engine.task import Task

ENSEMBLE_ID = "c100"
"""The ensemble's name within its run: equal however many candidates there are."""
FINAL_SECONDS, FINAL_FRACTION = 0.5, 0.03
"""Time kept for the ensemble's weights: at least so long, or this share of the budget."""
MAX_NODE_VISITS, MAX_TREE_BYTES = 110_000, 24 << 20
"""An ensemble that asks more nodes of trees, or whose trees outgrow a processor's cache, would take longer than about
a millisecond for a row: measured on 2 cores with 32 MiB of L3, 55 MB of trees took thrice what its parts took alone."""
MEMBERS, PUBLISH_SHARE = 10, 0.7
"""An ensemble has about so many members at most, and takes this share of the time that writing them took."""
LONG_SECONDS = 300.0
"""In a run at least so long the libraries of all its algorithms are imported before the first model is begun."""


class TabularRun:
    """One run: what its steps know and leave to each other.

    Args:
        source: the rows to learn from.
        validation: rows that candidates are only scored on.
        task: what is to be learned.
        budget: the limits.
        folder: where the run keeps its state.
        stop: set from outside to end the run with the best model so far.
        plans: what to train, in this order, instead of the portfolio and its variations.
    """

    def __init__(
        self,
        source: Source,
        validation: Source | None,
        task: Task,
        budget: Budget,
        folder: Path,
        stop: Flag,
        *,
        plans: Sequence[Plan] = (),
    ) -> None:
        self._source = source
        self._validation = validation
        self._task = task
        self._budget = budget
        self._folder = folder
        self._stop = stop
        self._plans = plans
        self._deadline = Deadline.after(budget.max_runtime_seconds)
        self._memory_bytes = choose_limit() if budget.memory_bytes is None else budget.memory_bytes
        self._algorithms = find_algorithms(task.algorithms)
        self._finished: dict[str, Finished] = {}
        self._failures: list[str] = []
        self._was_cut = False
        self._waiting: list[Plan] = []
        self._variations: Variations
        self._publish_seconds: list[float] = []
        self._prepared: Prepared
        self._data: TrainingData
        self._objective: Metric
        self._bench: Workbench

    def run(self) -> Iterator[Event]:
        """Go through the steps and yield what happens.

        Raises:
            DataError: when nothing can be learned from the data.
            TaskError: when the objective does not fit the problem type.
            BudgetSpentError: when the time was over, or a stop asked for, before there was a model.
            TrainingError: when every candidate failed.
        """
        steps: tuple[Callable[[], Iterator[Event]], ...] = (self._analyse, self._open, self._train, self._combine)
        if not self._budget.in_process:
            first, *others = self._algorithms
            prepare_nursery(_modules_of([first, *(other for other in others if not other.abilities.extra)]))
        for step in steps:
            yield from step()

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _analyse(self) -> Iterator[Event]:
        """Read the data and understand it, while the libraries are imported."""
        yield PhaseBegan(phase=Phase.ANALYZING)
        self._prepared = prepare(self._source, self._validation, self._task, self._folder)
        self._objective = find_metric(self._prepared.problem_type, self._task.objective)
        yield DataRead(
            rows=self._prepared.rows,
            columns=len(self._prepared.encoder.encoders),
            problem_type=self._prepared.problem_type.value,
            objective=self._objective.name,
        )
        for finding in self._prepared.findings:
            yield Found(message=finding)

    def _open(self) -> Iterator[Event]:
        """Map the prepared data."""
        yield PhaseBegan(phase=Phase.PREPARING)
        self._data = read_training_data(self._folder / "data")
        self._bench = Workbench(
            self._prepared, self._data, self._folder / "candidates", self._objective, self._task.seed
        )

    def _train(self) -> Iterator[Event]:
        """Train the portfolio; candidates that an earlier run finished are taken over."""
        yield PhaseBegan(phase=Phase.TRAINING)
        plans = self._plans or plan_candidates(
            self._algorithms,
            self._prepared.problem_type,
            self._prepared.rows,
            is_enriched=bool(self._data.column_folds),
            max_candidates=self._budget.max_candidates,
            seed=self._task.seed,
        )
        for name in self._bench.names():
            earlier = self._bench.recall(name)
            if earlier is not None and name != ENSEMBLE_ID:
                yield self._keep(earlier)
        self._waiting = [plan for plan in plans if plan.id not in self._finished]
        taken = [int(name.lstrip("c")) for name in self._finished]
        self._variations = Variations(
            {algorithm.name: algorithm.abilities.ranges for algorithm in self._algorithms},
            first=max([len(plans), *taken]) + 1,
            seed=self._task.seed,
        )
        with closing(self._start_lanes()) as lanes:
            training = Training(
                lanes=lanes,
                data_folder=self._folder / "data",
                candidates_folder=self._folder / "candidates",
                next_plan=self._next_plan,
                folds=self._prepared.fold_count,
                check_rows=self._prepared.check_rows,
                limits=Limits(
                    deadline=self._deadline,
                    reserve=self._final_seconds,
                    seconds_per_candidate=self._budget.max_runtime_per_candidate_seconds,
                    memory_bytes=self._memory_bytes,
                    stop=self._stop,
                ),
            )
            try:
                for outcome in training.run():
                    self._was_cut |= isinstance(outcome, GaveUp) and outcome.was_stopped
                    yield self._tell(outcome)
            except LaneError as error:
                if not self._finished:
                    raise
                yield Found(message=f"Training ended early. {error}")
        self._was_cut |= training.has_left_out or self._next_plan() is not None
        if not self._finished:
            self._complain()

    def _combine(self) -> Iterator[Event]:
        """Make the ensemble of what was trained and name the best candidate."""
        yield PhaseBegan(phase=Phase.FINISHING)
        limit = self._budget.max_candidates
        has_time = self._deadline.seconds_left > self._predict_publishing()
        if len(self._finished) > 1 and has_time and (limit is None or limit >= ENSEMBLE_FROM):
            yield from self._make_ensemble(ENSEMBLE_ID)
        ranked = sorted((each.result for each in self._finished.values()), key=_loss)
        best = ranked[0]
        advantage = predict_advantage(np.array([each.part_losses for each in ranked]))
        expected = best.objective.value + (-advantage if best.objective.higher_is_better else advantage)
        if len(ranked) > 1:
            yield Found(
                message=f"The best of {len(ranked)} candidates shows {best.objective.metric} "
                f"{best.objective.value:.6g}; "
                f"without the advantage of having been chosen by it, new rows should show about {expected:.6g}."
            )
        yield RunFinished(best=best, candidates=tuple(ranked), expected=expected, reason=self._reason())

    # --- inside -------------------------------------------------------------------------------------------------------

    def _start_lanes(self) -> Lanes:
        if self._budget.in_process:
            return InlineLane()
        return LocalLanes(self._budget.cores, self._folder / "lanes", self._lane_modules())

    def _lane_modules(self) -> list[str]:
        """Return what is imported before the lanes are forked, which then share the memory of it.

        The libraries of an extra take seconds: a short run does not make its first model wait for them.
        """
        limit = self._budget.max_runtime_seconds
        is_long = limit is None or limit >= LONG_SECONDS
        names = list(dict.fromkeys(plan.algorithm for plan in self._waiting))
        found = find_algorithms(names) if names else []
        return _modules_of(each for each in found if is_long or each.name == names[0] or not each.abilities.extra)

    def _next_plan(self) -> Plan | None:
        """Return what to train next: the portfolio, then variations while a time limit leaves room for them."""
        if self._waiting:
            return self._waiting.pop(0)
        if self._plans or self._budget.max_runtime_seconds is None or self._budget.max_candidates is not None:
            return None
        name = surrogate(self._prepared.problem_type).name
        return self._variations.next(
            [
                Tried(
                    algorithm=each.result.algorithm,
                    parameters=settings_of(each.result.parameters),
                    loss=next(score.value for score in each.result.scores if score.metric == name),
                )
                for each in self._finished.values()
            ]
        )

    def _make_ensemble(self, name: str) -> Iterator[Event]:
        earlier = self._bench.recall(name)
        if earlier is not None:
            yield self._keep(earlier)
            return
        began = time.monotonic()
        members = list(self._finished.values())
        ensemble = fit_ensemble(
            [member.predictions for member in members],
            self._data.target,
            self._data.weights,
            self._data.folds,
            stand_ins(self._prepared.problem_type, self._objective),
            costs=[
                (member.result.node_visits / MAX_NODE_VISITS, member.result.tree_bytes / MAX_TREE_BYTES)
                for member in members
            ],
            seconds=max(self._deadline.seconds_left - self._predict_publishing(), 0.1),
            seed=self._task.seed,
        )
        chosen = [
            (member, float(weight)) for member, weight in zip(members, ensemble.weights, strict=True) if weight > 0
        ]
        if len(chosen) == 1:
            return  # the ensemble would be a candidate that is there already
        weights = {member.result.id: round(weight, 6) for member, weight in chosen}
        yield CandidateStarted(id=name, algorithm=ENSEMBLE, parameters={"weights": weights})
        draft = Draft(
            id=name,
            algorithm=ENSEMBLE,
            parameters={"weights": weights},
            predictions=ensemble.predictions,
            check=sum(member.check * weight for member, weight in chosen),  # type: ignore[arg-type]  # arrays
            members=[
                self._bench.member(member.result.id, member.result.algorithm, weight) for member, weight in chosen
            ],
            fit_seconds=time.monotonic() - began,
        )
        try:
            yield self._keep(self._bench.publish(draft))
        except BundleError as error:
            yield CandidateFailed(id=name, algorithm=ENSEMBLE, reason=str(error))

    def _tell(self, outcome: Outcome) -> Event:
        plan = outcome.plan
        match outcome:
            case Began():
                return CandidateStarted(id=plan.id, algorithm=plan.algorithm, parameters=plan.parameters)
            case GaveUp(reason=reason, was_stopped=was_stopped):
                if not was_stopped:
                    self._failures.append(f"{plan.algorithm}: {reason}")
                return CandidateFailed(id=plan.id, algorithm=plan.algorithm, reason=reason, was_stopped=was_stopped)
            case Trained():
                return self._finish(outcome)

    def _finish(self, trained: Trained) -> Event:
        began = time.monotonic()
        try:
            event = self._keep(self._bench.finish(trained))
        except BundleError as error:
            self._failures.append(f"{trained.plan.algorithm}: {error}")
            return CandidateFailed(id=trained.plan.id, algorithm=trained.plan.algorithm, reason=str(error))
        self._publish_seconds.append(time.monotonic() - began)
        return event

    def _keep(self, finished: Finished) -> CandidateFinished:
        others = [_loss(each.result) for each in self._finished.values()]
        self._finished[finished.result.id] = finished
        return CandidateFinished(
            result=finished.result, is_best=all(_loss(finished.result) < other for other in others)
        )

    def _complain(self) -> None:
        if self._failures:
            raise TrainingError(f"No candidate could be trained. {self._failures[0]}")
        if self._stop.is_set():
            raise BudgetSpentError("The run was stopped before a first candidate was trained.")
        raise BudgetSpentError(
            f"The budget of {self._budget.max_runtime_seconds:g} s ended before a first candidate was trained."
        )

    def _final_seconds(self) -> float:
        """Return how long the end of the run will take; a first model has all the time there is."""
        if not self._finished:
            return 0.0
        weights = max(FINAL_SECONDS, FINAL_FRACTION * (self._budget.max_runtime_seconds or 0))
        return weights + self._predict_publishing()

    def _predict_publishing(self) -> float:
        """Return how long writing the ensemble will take: its graph holds its members' graphs."""
        return PUBLISH_SHARE * sum(sorted(self._publish_seconds)[-MEMBERS:])

    def _reason(self) -> str:
        if self._stop.is_set():
            return "stopped"
        if self._was_cut:
            return "deadline"
        if self._budget.max_candidates is not None:
            return "max_candidates"
        return "portfolio" if self._budget.max_runtime_seconds is None else "saturated"


def _modules_of(algorithms: Iterable[Algorithm]) -> list[str]:
    return list(dict.fromkeys(module for algorithm in algorithms for module in algorithm.abilities.modules))


def _loss(result: CandidateResult) -> float:
    """Return the objective turned so that less is better; a figure that is no number comes last."""
    value = -result.objective.value if result.objective.higher_is_better else result.objective.value
    return value if value == value else float("inf")
