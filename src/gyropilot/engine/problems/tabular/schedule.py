"""Which trial comes next, and what is known of those before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gyropilot.engine.contracts import Plan, Stage
from gyropilot.engine.search.halving import Halving, name_trial
from gyropilot.engine.search.tuner import TrialResult, Tuner
from gyropilot.engine.tuning import Pipeline, Trial

DEFAULT_TRIALS, MOST_TRIALS = 100, 750
"""How many trials there are where neither their number nor the time is limited, and at most."""
PATIENCE, TRACE = 100, 0.0005
"""When so many trials in a row were not better by at least this share, more would hardly help."""
LEAST_LAG, WINDOW = 3, 4
"""A trial is proposed without the results of so many before it, or of as many as there are lanes; of so many times as
many, only what they show after their first stage is taken into account where whole trials take long."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a schedule keeps to."""

    max_trials: int | None
    """How many were asked for."""
    is_timed: bool
    """Whether the time is limited."""
    kept_algorithms: Collection[str]
    """The first trial of each of these is trained to its end; on long tables, that of any algorithm."""
    seed: int
    """Each trial has a seed of its own from here."""

    @property
    def most_trials(self) -> int:
        """How many trials there are at most."""
        if self.max_trials is not None:
            return self.max_trials
        return MOST_TRIALS if self.is_timed else DEFAULT_TRIALS


class Schedule:
    """Numbers trials, and lets each wait for those that it is to learn from.

    Args:
        pipelines: what is tuned.
        tuner: proposes trials.
        stages: of those that are judged.
        terms: what is kept to.
    """

    def __init__(self, pipelines: Sequence[Pipeline], tuner: Tuner, stages: Sequence[Stage], terms: Terms) -> None:
        self.pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self.tuner = tuner
        self._kept: set[int] = set()
        self.referee = Halving(stages, self._kept, waits=not terms.is_timed)
        self._stages = stages
        self._is_staged = len(stages) > 1
        self._has_parts = stages[0].rows_share < 1
        self._terms = terms
        # Of a long table's trials few see all of it, one on each lane: others are proposed while these are trained.
        self._window = WINDOW * tuner.lag if self._has_parts else tuner.lag
        self._results: dict[int, TrialResult] = {}
        self._trials: dict[int, Trial] = {}

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return len(self._results)

    @property
    def is_through(self) -> bool:
        """Whether all trials have ended that there may be."""
        return self.ended >= self._terms.most_trials

    def trial(self, number: int) -> Trial:
        """Return the trial of a number."""
        return self._trials[number]

    def pipeline(self, trial: Trial) -> Pipeline:
        """Return the pipeline of a trial."""
        return self.pipelines[trial.pipeline]

    def note(self, result: TrialResult) -> None:
        """Take down what came of a trial."""
        self._trials[result.number] = result.trial
        self._results[result.number] = result
        self.referee.note_end(result.number, result.stage_losses)

    def next(self) -> int | None:
        """Return the number of the trial that comes next; None while those that it is to learn from are not through."""
        number = 1
        while number in self._trials:
            number += 1
        results = self._recall_until(number)
        if number > self._terms.most_trials or results is None:
            return None
        if self._terms.max_trials is None and _count_vain(results) >= PATIENCE:
            return None
        known = {result.number for result in results}
        pending = [trial for other, trial in self._trials.items() if other < number and other not in known]
        trial = self.tuner.propose(number, results, pending)
        if self._must_be_kept(number, trial):
            self._kept.add(number)
        self._trials[number] = trial
        return number

    def foresee(self, number: int) -> Pipeline | None:
        """Return the pipeline of a trial that is to come, where that is known already."""
        starts = self.tuner.starts[: self._terms.most_trials]
        return self.pipeline(starts[number - 1]) if number <= len(starts) else None

    def plan(self, number: int, table: str) -> Plan:
        """Return what is trained for a trial, on the table of its pipeline."""
        trial = self._trials[number]
        return Plan(
            id=name_trial(number),
            algorithm=self.pipeline(trial).algorithm,
            parameters=self.tuner.settings_of(trial),
            seed=self._terms.seed + number if trial.seed is None else trial.seed,
            table=table,
            # The first has nothing to be compared with, and makes a first model.
            is_staged=self._is_staged and (self._has_parts or number > 1),
        )

    def align(self, plan: Plan, stage_losses: Sequence[Sequence[float]]) -> tuple[float, ...]:
        """Return the mean losses of a trial's stages; one that was trained without shows its first folds, too."""
        stages = list(stage_losses)
        if self._is_staged and not plan.is_staged:
            stages = [stages[0][: len(stage.folds)] for stage in self._stages]
        return tuple(sum(stage) / len(stage) for stage in stages)

    def _recall_until(self, number: int) -> list[TrialResult] | None:
        """Return what a trial of a number learns from; None when that is not there yet."""
        if self._terms.is_timed:
            return self._recall_all(number)
        recalled = []
        for other in range(1, number - self.tuner.lag):
            result = self._results.get(other)
            if other >= number - self._window and (loss := self.referee.first_loss(other)) is not None:
                # Whether more is known depends on which lane was quicker.
                result = TrialResult(number=other, trial=self._trials[other], stage_losses=(loss,), is_whole=False)
            if result is None:
                return None
            recalled.append(result)
        return recalled

    def _recall_all(self, number: int) -> list[TrialResult]:
        """Return what is known now, of trials that are being trained what they have shown."""
        recalled = []
        for other in range(1, number):
            result = self._results.get(other)
            if result is None and (losses := self.referee.losses(other)):
                result = TrialResult(number=other, trial=self._trials[other], stage_losses=losses, is_whole=False)
            if result is not None:
                recalled.append(result)
        return recalled

    def _must_be_kept(self, number: int, trial: Trial) -> bool:
        """Tell whether a trial is trained to its end whatever it shows.

        Parts of a long table tell poorly which algorithm is better: the best bet of each waits for no other there.
        """
        algorithm = self.pipeline(trial).algorithm
        before = {self.pipeline(self._trials[each]).algorithm for each in range(1, number)}
        return algorithm not in before and (self._has_parts or algorithm in self._terms.kept_algorithms)


def _count_vain(results: Sequence[TrialResult]) -> int:
    """Return how many of the last trials were no better, by a trace at least, than the best before them."""
    best, vain = float("inf"), 0
    for each in results:
        loss = each.stage_losses[-1] if each.is_whole and each.stage_losses else float("inf")
        is_better = loss < best - TRACE * abs(best) if best < float("inf") else loss < best
        vain = 0 if is_better else vain + 1
        best = min(best, loss)
    return vain
