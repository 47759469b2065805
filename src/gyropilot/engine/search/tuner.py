"""Proposes trials: good starts first, then what a tree-structured Parzen estimator makes of those before.

Bergstra et al., "Algorithms for hyper-parameter optimization" (NeurIPS 2011), in Optuna's multivariate form, with a
group of parameters for each algorithm: pipelines of one algorithm learn from each other's trials.

A proposal follows from its number, the seed and the results of the trials that lie some numbers before it, and from
nothing else: not from which of several trials happened to end first. So a run can be repeated, and gone on with.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gyropilot.engine.search.spaces import PARAMETERS, Tuned, check_names, fit_into
from gyropilot.engine.tuning import Choice, Pipeline, Range, Trial

if TYPE_CHECKING:
    import optuna

RANDOM_TRIALS = 6
"""At least so many trials have a result before the estimator proposes one."""
CANDIDATES = 48
FEWEST_PIPELINES = 2
"""So many of the best pipelines are tuned to the end."""
PIPELINE = "pipeline"


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What came of a trial."""

    number: int
    """Counted from 1."""
    trial: Trial
    stage_losses: tuple[float, ...]
    """The mean loss of each stage that it went through, the last one's being that of the whole; empty: it failed."""
    is_whole: bool
    """Whether it was trained to its end."""


class Tuner:
    """Knows what may be tried, and proposes what to try.

    Args:
        pipelines: what is tuned.
        tuned: for each algorithm by name, its space and where to begin.
        first: trials to begin with.
        lag: how many trials before a proposal need not have ended.
        seed: where randomness starts.
    """

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        tuned: Mapping[str, Tuned],
        first: Sequence[Trial],
        *,
        lag: int,
        seed: int,
    ) -> None:
        self._algorithms = {pipeline.name: pipeline.algorithm for pipeline in pipelines}
        self._tuned = tuned
        firsts = [Trial(pipeline=each.name, parameters=tuned[each.algorithm].starts[0]) for each in pipelines]
        self._starts = _distinct([*(self._complete(trial) for trial in first), *firsts])
        self._others = [
            (algorithm, start)
            for algorithm in dict.fromkeys(self._algorithms.values())
            for start in tuned[algorithm].starts[1:]
        ]
        self.lag = lag
        self._seed = seed

    @property
    def starts(self) -> Sequence[Trial]:
        """The trials to begin with, which learn from none."""
        return self._starts

    def settings_of(self, trial: Trial) -> dict[str, Any]:
        """Return all that the algorithm of a trial is told."""
        return {**self._tuned[self._algorithms[trial.pipeline]].fixed, **trial.parameters}

    def propose(self, number: int, results: Sequence[TrialResult], pending: Sequence[Trial] = ()) -> Trial:
        """Return the trial of a number.

        Args:
            number: counted from 1.
            results: of the trials up to `number - lag - 1`.
            pending: the trials after those.
        """
        if number <= len(self._starts):
            return self._starts[number - 1]
        losses = estimate_losses(results, self._algorithms)
        ranked = self._rank(results, losses)
        other = number - len(self._starts) - 1
        if other < len(self._others):
            algorithm, start = self._others[other]
            return Trial(
                pipeline=next(each for each in ranked if self._algorithms[each] == algorithm), parameters=start
            )
        kept = self._choose_pipelines(ranked, len(results))
        study = self._make_study(number, kept, list(zip(results, losses, strict=True)), pending)
        asked = study.ask()
        pipeline = str(asked.suggest_categorical(PIPELINE, kept))
        algorithm = self._algorithms[pipeline]
        parameters = {
            name: _suggest(asked, f"{algorithm}.{name}", within)
            for name, within in self._tuned[algorithm].space.items()
        }
        return Trial(pipeline=pipeline, parameters=parameters)

    def _rank(self, results: Sequence[TrialResult], losses: Sequence[float]) -> list[str]:
        """Return the pipelines by the best trial of each; those without one come last."""
        best = dict.fromkeys(self._algorithms, math.inf)
        for result, loss in zip(results, losses, strict=True):
            best[result.trial.pipeline] = min(best[result.trial.pipeline], loss)
        return sorted(best, key=lambda name: best[name])

    def _choose_pipelines(self, ranked: Sequence[str], trials: int) -> list[str]:
        """Return the pipelines that are tuned: the more trials there were, the fewer of the best."""
        count = max(math.ceil(len(ranked) / (1 + trials / len(ranked))), FEWEST_PIPELINES)
        return [name for name in self._algorithms if name in ranked[:count]]

    def _complete(self, trial: Trial) -> Trial:
        """Return a trial with usual values for what it leaves out."""
        algorithm = self._algorithms[trial.pipeline]
        check_names(algorithm, trial.parameters, sorted(PARAMETERS[algorithm]))
        return replace(trial, parameters={**self._tuned[algorithm].starts[0], **trial.parameters})

    def _make_study(
        self,
        number: int,
        pipelines: Sequence[str],
        results: Sequence[tuple[TrialResult, float]],
        pending: Sequence[Trial],
    ) -> optuna.Study:
        """Return what is known of the trials of some pipelines."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=RANDOM_TRIALS,
                n_ei_candidates=CANDIDATES,
                seed=(self._seed * 1009 + number) % 2**32,
            )
        study = optuna.create_study(sampler=sampler)
        states = optuna.trial.TrialState
        known = [(each.trial, states.COMPLETE, loss) for each, loss in results]
        running = [(trial, states.RUNNING, None) for trial in pending]
        for trial, state, value in (*known, *running):
            if trial.pipeline in pipelines:
                study.add_trial(self._freeze(trial, pipelines, state, value))
        return study

    def _freeze(
        self, trial: Trial, pipelines: Sequence[str], state: optuna.trial.TrialState, loss: float | None
    ) -> optuna.trial.FrozenTrial:
        import optuna

        algorithm = self._algorithms[trial.pipeline]
        space = self._tuned[algorithm].space
        return optuna.trial.create_trial(
            state=state,
            value=loss,
            # What a trial of the user has outside the space is learned from as what is next to it.
            params={
                PIPELINE: trial.pipeline,
                **{f"{algorithm}.{name}": fit_into(space[name], trial.parameters[name]) for name in space},
            },
            distributions={
                PIPELINE: optuna.distributions.CategoricalDistribution(pipelines),
                **{f"{algorithm}.{name}": _distribution(within) for name, within in space.items()},
            },
        )


def estimate_losses(results: Sequence[TrialResult], algorithms: Mapping[str, str]) -> list[float]:
    """Return what each trial's loss is or would have been, had it been trained to its end.

    What a trial shows after a stage is moved by what whole trials, of the same algorithm if there are some, won or lost
    from that stage to their end. A trial that failed counts as no better than the worst.
    """
    whole = [each for each in results if each.is_whole and each.stage_losses]
    losses = []
    for result in results:
        if not result.stage_losses or not math.isfinite(result.stage_losses[-1]):
            losses.append(math.nan)
            continue
        loss, stage = result.stage_losses[-1], len(result.stage_losses) - 1
        alike = [each for each in whole if algorithms[each.trial.pipeline] == algorithms[result.trial.pipeline]]
        moves = [
            each.stage_losses[-1] - each.stage_losses[stage]
            for each in alike or whole
            if len(each.stage_losses) > stage + 1
        ]
        losses.append(loss if result.is_whole or not moves else loss + float(np.median(moves)))
    known = [loss for loss in losses if math.isfinite(loss)]
    worst = max(known, default=0.0)
    return [loss if math.isfinite(loss) else worst for loss in losses]


def _distinct(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for number, trial in enumerate(trials) if trial not in trials[:number]]


def _distribution(within: Range | Choice) -> optuna.distributions.BaseDistribution:
    import optuna

    if isinstance(within, Choice):
        return optuna.distributions.CategoricalDistribution(within.values)
    if within.is_whole:
        return optuna.distributions.IntDistribution(int(within.low), int(within.high), log=within.is_logarithmic)
    return optuna.distributions.FloatDistribution(within.low, within.high, log=within.is_logarithmic)


def _suggest(asked: optuna.Trial, name: str, within: Range | Choice) -> str | int | float:
    if isinstance(within, Choice):
        chosen: str | int | float = asked.suggest_categorical(name, within.values)  # type: ignore[assignment]  # its own
        return chosen
    if within.is_whole:
        return asked.suggest_int(name, int(within.low), int(within.high), log=within.is_logarithmic)
    return float(f"{asked.suggest_float(name, within.low, within.high, log=within.is_logarithmic):.6g}")
