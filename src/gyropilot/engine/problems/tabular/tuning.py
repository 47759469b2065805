"""Hyperparameter tuning: pipelines, trials of them, and a second look at the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from gyropilot.engine.contracts import Lanes, Plan
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateStarted,
    CandidateStopped,
    Event,
    Found,
    Phase,
    PhaseBegan,
    PipelinePrepared,
    PipelinesChosen,
    RunFinished,
    Score,
)
from gyropilot.engine.lanes.outcomes import Began, GaveUp, Halted, Outcome, Trained
from gyropilot.engine.metrics.catalogue import surrogate
from gyropilot.engine.problems.tabular.candidates import Finished, Workbench
from gyropilot.engine.problems.tabular.finalists import FINALISTS, choose_best
from gyropilot.engine.problems.tabular.recipe_tables import RecipeTable, RecipeTables
from gyropilot.engine.problems.tabular.recommendation import choose
from gyropilot.engine.problems.tabular.run import Assignment, TabularRun, loss_of
from gyropilot.engine.problems.tabular.scoring import Judgement
from gyropilot.engine.problems.tabular.second_look import SecondLook
from gyropilot.engine.problems.tabular.trials import TrialJournal
from gyropilot.engine.search.halving import Halving, name_trial, number_of, plan_stages
from gyropilot.engine.search.tuner import TrialResult, Tuner
from gyropilot.engine.tuning import Pipeline, Trial

LARGE_BYTES = 100_000_000
"""From this size on trials compete for rows and rounds; below, for the folds of a cross-validation."""
DEFAULT_TRIALS, MOST_TRIALS = 100, 750
"""How many trials there are where neither their number nor the time is limited, and at most."""
PATIENCE, TRACE = 100, 0.0005
"""When so many trials in a row were not better by at least this share, more would hardly help."""
LEAST_LAG, WINDOW = 3, 4
"""A trial is proposed without the results of so many before it, or of as many as there are lanes; of so many times as
many, only what they show after their first stage is taken into account where whole trials take long."""
FINAL_SHARE = 0.12
"""At most this share of the budget is kept for the second look at the best trials."""
WORSE = "A part of its training showed that it is not among the best third of the trials before it."


class TuningRun(TabularRun):
    """One run of tuning."""

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        given = self._task.tuning.is_multi_fidelity
        self._is_multi_fidelity = assignment.source.size_bytes() >= LARGE_BYTES if given is None else given
        self._journal = TrialJournal(self._folder / "candidates")
        self._results: dict[int, TrialResult] = {}
        self._trials: dict[int, Trial] = {}
        self._benches: dict[str, Workbench] = {}
        self._news: list[Event] = []
        self._whole_seconds: list[float] = []
        self._pipelines: dict[str, Pipeline]
        self._tables: RecipeTables
        self._tuner: Tuner
        self._referee: Halving

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _open(self) -> Iterator[Event]:
        """Choose pipelines, and take over what an earlier run found."""
        yield from super()._open()
        prepared, task = self._prepared, self._task
        names = [algorithm.name for algorithm in self._algorithms]
        chosen, tuned = choose(prepared, self._data, names, task)
        self._pipelines = {pipeline.name: pipeline for pipeline in chosen}
        yield PipelinesChosen(pipelines=chosen)
        self._tables = RecipeTables(prepared, self._data, self._folder / "data", chosen, task.seed)
        lag = max(self._budget.cores + 1, LEAST_LAG)
        self._tuner = Tuner(chosen, tuned, task.tuning.first, lag=lag, seed=task.seed)
        stages = plan_stages(prepared.rows, prepared.fold_count, is_multi_fidelity=self._is_multi_fidelity)
        self._kept: set[int] = set()
        self._referee = Halving(stages, self._kept)
        self._is_staged = len(stages) > 1
        # Of a long table's trials few see all of it, one on each lane: others are proposed while these are trained.
        self._window = WINDOW * lag if self._is_multi_fidelity else lag

    def _train(self) -> Iterator[Event]:
        """Make trials until there are enough, or the time is over; then train the best of them once more."""
        yield PhaseBegan(phase=Phase.TRAINING)
        yield from self._take_over()
        with self._start_lanes(pipeline.algorithm for pipeline in self._pipelines.values()) as lanes:
            yield from self._train_over(lanes, self._referee)
            if not self._finished:
                self._complain()
            self._again = self._look_again(lanes)
        yield from self._take_news()

    def _conclude(self) -> Iterator[Event]:
        """Name the best candidate."""
        yield PhaseBegan(phase=Phase.FINISHING)
        ranked = sorted((each.result for each in self._finished.values()), key=loss_of)
        best, expected = ranked[0], ranked[0].objective.value
        verdict = choose_best(ranked, self._again, first=name_trial(1))
        if verdict is not None:
            best, expected = verdict.best, verdict.expected
            name, figure = best.objective.metric, best.objective.value
            yield Found(
                message=f"The best of {len(self._results)} trials, by two cross-validations, is {best.id} of "
                f"{best.pipeline}: {name} {figure:.6g}; on other folds than those of its search, {expected:.6g}."
            )
        others = [result for result in ranked if result is not best]
        yield RunFinished(best=best, candidates=(best, *others), expected=expected, reason=self._reason())

    def _look_again(self, lanes: Lanes) -> dict[str, Judgement]:
        """Train the best trials, and the first one, on other folds; as many as there is time for."""
        ranked = sorted((each.result for each in self._finished.values()), key=loss_of)
        names = [result.id for result in ranked[:FINALISTS]]
        first = name_trial(1)
        chosen = [*names, first] if first in self._finished and first not in names else names
        seconds = self._deadline.seconds_left * lanes.count
        affordable = seconds / max(self._seconds_of_one(), 1e-6)
        if len(chosen) < 2 or affordable < 2 or self._stop.is_set():
            return {}
        look = SecondLook(
            prepared=self._prepared,
            data=self._data,
            folder=self._folder,
            objective=self._objective,
            seed=self._task.seed,
        )
        plans = [self._plan(number_of(name), self._trial_of(number_of(name))) for name in chosen]
        return look.take(plans[: int(min(affordable, len(plans)))], lanes, replace(self._limits(), reserve=lambda: 0.2))

    def _final_seconds(self) -> float:
        """Return how long the second look at the best trials will take; a first model has all the time there is."""
        if not self._finished:
            return 0.0
        limit = self._budget.max_runtime_seconds or 0.0
        return 0.5 + min(self._seconds_of_one() * (FINALISTS + 1) / self._budget.cores, FINAL_SHARE * limit)

    def _seconds_of_one(self) -> float:
        """Return the lane seconds that a whole trial takes, of those that were good enough to become one."""
        return float(np.median(self._whole_seconds)) if self._whole_seconds else 0.0

    def _reason(self) -> str:
        return "max_candidates" if len(self._results) >= self._most_trials() else super()._reason()

    # --- trials -------------------------------------------------------------------------------------------------------

    def _take_over(self) -> Iterator[Event]:
        """Tell of the trials that an earlier run finished."""
        for number, (result, fit_seconds, failure) in self._journal.read().items():
            name, algorithm = name_trial(number), self._algorithm_of(result.trial)
            bench = self._bench(self._pipelines[result.trial.pipeline])
            earlier = bench.recall(name) if result.is_whole else None
            if result.is_whole and earlier is None:
                continue  # its bundle is not there: it is trained anew
            self._note(result)
            if earlier is not None:
                yield self._keep(earlier)
            elif result.stage_losses:
                yield self._tell_of_halted(result, fit_seconds)
            else:
                yield CandidateFailed(id=name, algorithm=algorithm, reason=failure)
        yield from self._take_news()

    def _next_plan(self) -> Plan | None:
        """Return the plan of the next trial, once the trials that it is to learn from have shown enough."""
        number = 1
        while number in self._trials or number in self._results:
            number += 1
        results = self._recall_until(number)
        if number > self._most_trials() or results is None:
            return None
        if self._budget.max_candidates is None and _count_vain(results) >= PATIENCE:
            return None
        pending = [self._trial_of(each) for each in range(len(results) + 1, number)]
        trial = self._tuner.propose(number, results, pending)
        self._trials[number] = trial
        if self._must_be_kept(number, trial):
            self._kept.add(number)
        self._bench(self._pipelines[trial.pipeline])
        return self._plan(number, trial)

    def _recall_until(self, number: int) -> list[TrialResult] | None:
        """Return what a trial of a number learns from; None when that is not there yet."""
        recalled = []
        for other in range(1, number - self._tuner.lag):
            result = self._results.get(other)
            if other >= number - self._window and (loss := self._referee.first_loss(other)) is not None:
                # Whether more is known depends on which lane was quicker.
                trial = self._trial_of(other)
                result = TrialResult(number=other, trial=trial, stage_losses=(loss,), is_whole=False)
            if result is None:
                return None
            recalled.append(result)
        return recalled

    def _must_be_kept(self, number: int, trial: Trial) -> bool:
        """Tell whether a trial is trained to its end whatever it shows: the first, and of each algorithm asked for."""
        if self._is_multi_fidelity:
            return number == 1
        algorithm = self._algorithm_of(trial)
        before = (self._algorithm_of(self._trial_of(each)) for each in range(1, number))
        return algorithm in self._task.algorithms and algorithm not in before

    def _most_trials(self) -> int:
        limit = self._budget.max_candidates
        if limit is not None:
            return limit
        return DEFAULT_TRIALS if self._budget.max_runtime_seconds is None else MOST_TRIALS

    def _trial_of(self, number: int) -> Trial:
        return self._results[number].trial if number in self._results else self._trials[number]

    def _algorithm_of(self, trial: Trial) -> str:
        return self._pipelines[trial.pipeline].algorithm

    def _bench(self, pipeline: Pipeline) -> Workbench:
        """Return what makes candidates of a pipeline, whose table is made when it is first asked for."""
        if pipeline.name not in self._benches:
            is_new = not any(self._pipelines[name].recipe == pipeline.recipe for name in self._benches)
            table = self._tables.get(pipeline)
            self._benches[pipeline.name] = self._make_bench(table, pipeline, "candidates")
            self._news.append(
                PipelinePrepared(
                    pipeline=pipeline,
                    columns=len(table.encoder.features),
                    fit_seconds=table.fit_seconds if is_new else 0.0,
                    transform_seconds=table.transform_seconds if is_new else 0.0,
                )
            )
        return self._benches[pipeline.name]

    def _make_bench(self, table: RecipeTable, pipeline: Pipeline, folder: str) -> Workbench:
        prepared = msgspec.structs.replace(self._prepared, encoder=table.encoder)
        return Workbench(prepared, table.data, self._folder / folder, self._objective, self._task.seed, pipeline)

    def _bench_of(self, plan: Plan) -> Workbench:
        return self._benches[self._trials[number_of(plan.id)].pipeline]

    def _take_news(self) -> list[Event]:
        taken, self._news = self._news, []
        return taken

    def _plan(self, number: int, trial: Trial) -> Plan:
        pipeline = self._pipelines[trial.pipeline]
        return Plan(
            id=name_trial(number),
            algorithm=pipeline.algorithm,
            parameters=self._tuner.settings_of(trial),
            seed=self._task.seed + number,
            table=self._tables.name_of(pipeline),
            is_staged=self._is_staged and (self._is_multi_fidelity or number > 1),
        )

    # --- what comes of them -------------------------------------------------------------------------------------------

    def _tell(self, outcome: Outcome) -> Iterator[Event]:
        yield from self._take_news()
        plan = outcome.plan
        number, trial = number_of(plan.id), self._trials[number_of(plan.id)]
        match outcome:
            case Began():
                yield CandidateStarted(
                    id=plan.id, algorithm=plan.algorithm, parameters=plan.parameters, pipeline=trial.pipeline
                )
            case GaveUp(reason=reason, was_stopped=was_stopped):
                result = TrialResult(number=number, trial=trial, stage_losses=(), is_whole=False)
                self._note(result)
                if not was_stopped:
                    self._journal.write(result, 0.0, reason)
                yield self._tell_of_failure(outcome)
            case Halted(fit_seconds=fit_seconds):
                result = self._judge(outcome, number, trial)
                self._note(result)
                self._journal.write(result, fit_seconds)
                yield self._tell_of_halted(result, fit_seconds)
            case Trained():
                yield self._finish_trial(outcome, number, trial)

    def _finish_trial(self, trained: Trained, number: int, trial: Trial) -> Event:
        event = self._finish(trained)
        result, failure = self._judge(trained, number, trial), ""
        if isinstance(event, CandidateFailed):
            result, failure = replace(result, is_whole=False, stage_losses=()), event.reason
        else:
            self._whole_seconds.append(trained.fit_seconds)
        self._note(result)
        self._journal.write(result, trained.fit_seconds, failure)
        return event

    def _judge(self, outcome: Trained | Halted, number: int, trial: Trial) -> TrialResult:
        """Return the mean losses of a trial's stages; one that was trained without stages shows its first fold, too."""
        stages = outcome.stage_losses
        if self._is_staged and not outcome.plan.is_staged:
            stages = (stages[0][:1], *stages)
        losses = tuple(float(np.mean(stage)) for stage in stages)
        return TrialResult(number=number, trial=trial, stage_losses=losses, is_whole=isinstance(outcome, Trained))

    def _note(self, result: TrialResult) -> None:
        self._results[result.number] = result
        self._referee.note_end(result.number, result.stage_losses)

    def _tell_of_halted(self, result: TrialResult, fit_seconds: float) -> CandidateStopped:
        metric = surrogate(self._prepared.problem_type)
        return CandidateStopped(
            id=name_trial(result.number),
            algorithm=self._algorithm_of(result.trial),
            parameters=self._tuner.settings_of(result.trial),
            pipeline=result.trial.pipeline,
            reason=WORSE,
            loss=Score(metric=metric.name, value=result.stage_losses[-1], higher_is_better=metric.higher_is_better),
            fit_seconds=fit_seconds,
        )

    def _keep(self, finished: Finished) -> CandidateFinished:
        event = super()._keep(finished)
        # Predictions are for ensembles; those of hundreds of trials would take much memory.
        nothing = np.empty(0)
        self._finished[finished.result.id] = replace(finished, predictions=nothing, check=nothing)
        return event


def _count_vain(results: Sequence[TrialResult]) -> int:
    """Return how many of the last trials were no better, by a trace at least, than the best before them."""
    best, vain = float("inf"), 0
    for each in results:
        loss = each.stage_losses[-1] if each.is_whole and each.stage_losses else float("inf")
        is_better = loss < best - TRACE * abs(best) if best < float("inf") else loss < best
        vain = 0 if is_better else vain + 1
        best = min(best, loss)
    return vain
