"""Ensembling: a portfolio of good configurations, variations of the best, and an ensemble of what they gave."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from gyropilot.engine.contracts import Plan
from gyropilot.engine.ensemble.greedy import fit_ensemble
from gyropilot.engine.errors import BundleError
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateStarted,
    Event,
    Found,
    Phase,
    PhaseBegan,
    RunFinished,
)
from gyropilot.engine.lanes.stages import OneStage
from gyropilot.engine.metrics.catalogue import stand_ins, surrogate
from gyropilot.engine.metrics.choice import predict_advantage
from gyropilot.engine.problems.tabular.candidates import ENSEMBLE, Draft, Workbench, settings_of
from gyropilot.engine.problems.tabular.run import Assignment, TabularRun, loss_of
from gyropilot.engine.search.portfolio import ENSEMBLE_FROM, plan_candidates
from gyropilot.engine.search.variation import Tried, Variations

ENSEMBLE_ID = "c100"
"""The ensemble's name within its run: equal however many candidates there are."""
FINAL_SECONDS, FINAL_FRACTION = 0.5, 0.03
"""Time kept for the ensemble's weights: at least so long, or this share of the budget."""
MAX_NODE_VISITS, MAX_TREE_BYTES = 110_000, 24 << 20
"""An ensemble that asks more nodes of trees, or whose trees outgrow a processor's cache, would take longer than about
a millisecond for a row: measured on 2 cores with 32 MiB of L3, 55 MB of trees took thrice what its parts took alone."""
MEMBERS, PUBLISH_SHARE = 10, 0.7
"""An ensemble has about so many members at most, and takes this share of the time that writing them took."""


class EnsemblingRun(TabularRun):
    """One run of ensembling."""

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self._waiting: list[Plan] = []
        self._variations: Variations
        self._bench: Workbench

    def _open(self) -> Iterator[Event]:
        """Map the prepared data."""
        yield from super()._open()
        self._bench = Workbench(
            self._prepared, self._data, self._folder / "candidates", self._objective, self._task.seed
        )

    def _train(self) -> Iterator[Event]:
        """Train the portfolio; candidates that an earlier run finished are taken over."""
        yield PhaseBegan(phase=Phase.TRAINING)
        plans = self._assignment.plans or plan_candidates(
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
        with self._use_lanes(plan.algorithm for plan in self._waiting) as lanes:
            yield from self._train_over(lanes, OneStage(self._prepared.fold_count))
        self._was_cut |= self._next_plan() is not None
        if not self._finished:
            self._complain()

    def _conclude(self) -> Iterator[Event]:
        """Make the ensemble of what was trained and name the best candidate."""
        yield PhaseBegan(phase=Phase.FINISHING)
        limit = self._budget.max_candidates
        has_time = self._deadline.seconds_left > self._predict_publishing()
        if len(self._finished) > 1 and has_time and (limit is None or limit >= ENSEMBLE_FROM):
            yield from self._make_ensemble(ENSEMBLE_ID)
        ranked = sorted((each.result for each in self._finished.values()), key=loss_of)
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

    def _bench_of(self, plan: Plan) -> Workbench:  # noqa: ARG002  # one makes all
        return self._bench

    def _next_plan(self) -> Plan | None:
        """Return what to train next: the portfolio, then variations while a time limit leaves room for them."""
        if self._waiting:
            return self._waiting.pop(0)
        is_bounded = self._assignment.plans or self._budget.max_candidates is not None
        if is_bounded or self._budget.max_runtime_seconds is None:
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
            self._bench.groups,
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

    def _final_seconds(self) -> float:
        """Return how long the end of the run will take; a first model has all the time there is."""
        if not self._finished:
            return 0.0
        weights = max(FINAL_SECONDS, FINAL_FRACTION * (self._budget.max_runtime_seconds or 0))
        return weights + self._predict_publishing()

    def _predict_publishing(self) -> float:
        """Return how long writing the ensemble will take: its graph holds its members' graphs."""
        return PUBLISH_SHARE * sum(sorted(self._publish_seconds)[-MEMBERS:])
