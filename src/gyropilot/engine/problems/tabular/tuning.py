"""Hyperparameter tuning: pipelines, trials of them, and a second look at the best."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import msgspec
import numpy as np

from gyropilot.engine.bundle.splitting import write_processor
from gyropilot.engine.bundle.stages import features_of, labels_of
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
from gyropilot.engine.problems.tabular.recommendation import choose, describe_choice
from gyropilot.engine.problems.tabular.run import Assignment, TabularRun, loss_of
from gyropilot.engine.problems.tabular.schedule import LEAST_LAG, Schedule, Terms
from gyropilot.engine.problems.tabular.scoring import Judgement
from gyropilot.engine.problems.tabular.second_look import SecondLook
from gyropilot.engine.problems.tabular.trials import TrialJournal
from gyropilot.engine.search.halving import name_trial, number_of, plan_stages
from gyropilot.engine.search.tuner import TrialResult, Tuner
from gyropilot.engine.tuning import Pipeline, Trial

FINAL_SHARE = 0.12
"""At most this share of the budget is kept for the second look at the best trials."""
WORSE = "A part of its training showed that it is not among the best third of the trials before it."


class TuningRun(TabularRun):
    """One run of tuning."""

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self._journal = TrialJournal(self._folder / "candidates")
        self._benches: dict[str, Workbench] = {}
        self._news: list[Event] = []
        self._whole_seconds: list[float] = []
        self._tables: RecipeTables
        self._schedule: Schedule

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _open(self) -> Iterator[Event]:
        """Choose pipelines, and take over what an earlier run found."""
        yield from super()._open()
        prepared, task = self._prepared, self._task
        names = [algorithm.name for algorithm in self._algorithms]
        chosen, tuned = choose(prepared, self._data, names, task, self._budget)
        self._tables = RecipeTables(prepared, self._data, self._folder / "data", chosen, task.seed)
        lag = max(self._budget.cores + 1, LEAST_LAG)
        terms = Terms(
            max_trials=self._budget.max_candidates,
            is_timed=self._budget.max_runtime_seconds is not None,
            kept_algorithms=task.algorithms,
            seed=task.seed,
        )
        yield PipelinesChosen(
            recommendation=describe_choice(prepared, chosen, tuned, task), max_trials=terms.most_trials
        )
        self._schedule = Schedule(
            chosen,
            Tuner(chosen, tuned, task.tuning.first, lag=lag, seed=task.seed),
            plan_stages(prepared.rows, prepared.fold_count, stops_early=task.tuning.stops_early),
            terms,
        )

    def _train(self) -> Iterator[Event]:
        """Make trials until there are enough, or the time is over; then train the best of them once more."""
        yield PhaseBegan(phase=Phase.TRAINING)
        yield from self._take_over()
        names = (pipeline.algorithm for pipeline in self._schedule.pipelines.values())
        with closing(self._tables), self._use_lanes(names) as lanes:
            yield from self._train_over(lanes, self._schedule.referee)
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
                message=f"The best of {self._schedule.ended} trials, by two cross-validations, is {best.id} of "
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
        plans = [self._plan(number_of(name)) for name in chosen]
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
        return "max_candidates" if self._schedule.is_through else super()._reason()

    # --- trials -------------------------------------------------------------------------------------------------------

    def _take_over(self) -> Iterator[Event]:
        """Tell of the trials that an earlier run finished."""
        for number, (result, fit_seconds, failure) in self._journal.read().items():
            name, pipeline = name_trial(number), self._schedule.pipeline(result.trial)
            earlier = self._bench(pipeline).recall(name) if result.is_whole else None
            if result.is_whole and earlier is None:
                continue  # its bundle is not there: it is trained anew
            self._schedule.note(result)
            if earlier is not None:
                yield self._keep(earlier)
            elif result.stage_losses:
                yield self._tell_of_halted(result, fit_seconds)
            else:
                yield CandidateFailed(id=name, algorithm=pipeline.algorithm, reason=failure)
        yield from self._take_news()

    def _next_plan(self) -> Plan | None:
        """Return the plan of the next trial, once the trials that it is to learn from have shown enough."""
        number = self._schedule.next()
        if number is None:
            return None
        plan = self._plan(number)
        # Lanes that are at work need not wait for the next trial's table.
        if (pipeline := self._schedule.foresee(number + 1)) is not None:
            self._tables.begin(pipeline)
        return plan

    def _plan(self, number: int) -> Plan:
        pipeline = self._schedule.pipeline(self._schedule.trial(number))
        self._bench(pipeline)
        return self._schedule.plan(number, self._tables.name_of(pipeline))

    def _bench(self, pipeline: Pipeline) -> Workbench:
        """Return what makes candidates of a pipeline, whose table is made when it is first asked for."""
        if pipeline.name not in self._benches:
            is_new = not any(self._schedule.pipelines[name].recipe == pipeline.recipe for name in self._benches)
            table = self._tables.get(pipeline)
            self._benches[pipeline.name] = self._make_bench(table, pipeline, "candidates")
            folder = self._folder / "pipelines" / pipeline.name
            described = msgspec.structs.replace(self._prepared, encoder=table.encoder)
            write_processor(features_of(described), labels_of(described), folder)
            self._news.append(
                PipelinePrepared(
                    pipeline=pipeline,
                    columns=len(table.encoder.features),
                    fit_seconds=table.fit_seconds if is_new else 0.0,
                    transform_seconds=table.transform_seconds if is_new else 0.0,
                    folder=folder,
                )
            )
        return self._benches[pipeline.name]

    def _make_bench(self, table: RecipeTable, pipeline: Pipeline, folder: str) -> Workbench:
        prepared = msgspec.structs.replace(self._prepared, encoder=table.encoder)
        return Workbench(prepared, table.data, self._folder / folder, self._objective, self._task.seed, pipeline)

    def _bench_of(self, plan: Plan) -> Workbench:
        return self._benches[self._schedule.trial(number_of(plan.id)).pipeline]

    def _take_news(self) -> list[Event]:
        taken, self._news = self._news, []
        return taken

    # --- what comes of them -------------------------------------------------------------------------------------------

    def _tell(self, outcome: Outcome) -> Iterator[Event]:
        yield from self._take_news()
        plan = outcome.plan
        number = number_of(plan.id)
        trial = self._schedule.trial(number)
        match outcome:
            case Began():
                yield CandidateStarted(
                    id=plan.id, algorithm=plan.algorithm, parameters=plan.parameters, pipeline=trial.pipeline
                )
            case GaveUp(reason=reason, was_stopped=was_stopped):
                result = TrialResult(number=number, trial=trial, stage_losses=(), is_whole=False)
                self._schedule.note(result)
                if not was_stopped:
                    self._journal.write(result, 0.0, reason)
                yield self._tell_of_failure(outcome)
            case Halted(fit_seconds=fit_seconds):
                result = self._judge(outcome, number, trial)
                self._schedule.note(result)
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
        self._schedule.note(result)
        self._journal.write(result, trained.fit_seconds, failure)
        return event

    def _judge(self, outcome: Trained | Halted, number: int, trial: Trial) -> TrialResult:
        losses = self._schedule.align(outcome.plan, outcome.stage_losses)
        return TrialResult(number=number, trial=trial, stage_losses=losses, is_whole=isinstance(outcome, Trained))

    def _tell_of_halted(self, result: TrialResult, fit_seconds: float) -> CandidateStopped:
        metric = surrogate(self._prepared.problem_type)
        return CandidateStopped(
            id=name_trial(result.number),
            algorithm=self._schedule.pipeline(result.trial).algorithm,
            parameters=self._schedule.tuner.settings_of(result.trial),
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
