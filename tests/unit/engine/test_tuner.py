"""What is tried, and who goes on: pipelines, spaces, proposals, halving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from gyropilot.engine.contracts import Plan, Stage
from gyropilot.engine.errors import TaskError
from gyropilot.engine.problems.tabular.schedule import Schedule, Terms
from gyropilot.engine.search.halving import FEWEST_ROWS, Halving, name_trial, number_of, plan_stages
from gyropilot.engine.search.pipelines import TableFacts, recommend_pipelines
from gyropilot.engine.search.spaces import MOST_ROUNDS, XGBOOST, Tuned, Workload, find_space
from gyropilot.engine.search.tuner import TrialResult, Tuner, estimate_losses
from gyropilot.engine.task import Mode, ProblemType, Task
from gyropilot.engine.tuning import Choice, Pipeline, Range, Trial, Tuning

PIPELINES = (
    Pipeline(name="good", algorithm="xgboost", recipe=()),
    Pipeline(name="bad", algorithm="xgboost", recipe=("ordinal",)),
    Pipeline(name="line", algorithm="linear-learner", recipe=()),
)
TUNED = {
    "xgboost": Tuned(
        space={
            "eta": Range(low=0.001, high=1),
            "max_depth": Range(low=2, high=10, is_whole=True, is_logarithmic=False),
        },
        fixed={"num_round": 10},
        starts=[{"eta": 0.5, "max_depth": 9}],
    ),
    "linear-learner": Tuned(space={"wd": Range(low=1e-6, high=1)}, fixed={}, starts=[{"wd": 0.1}, {"wd": 1e-5}]),
}
FACTS = TableFacts(
    amounts=12, categories=2, has_gaps=True, has_extremes=True, has_interactions=True, cells=("date-parts",)
)


def tuner(*, first: Sequence[Trial] = (), lag: int = 3, seed: int = 0) -> Tuner:
    return Tuner(PIPELINES, TUNED, first, lag=lag, seed=seed)


def judge(trial: Trial) -> float:
    """The optimum is planted at eta 0.03 and depth 4 of the good pipeline."""
    if trial.pipeline == "line":
        return 1.0
    eta, depth = float(trial.parameters["eta"]), float(trial.parameters["max_depth"])
    return 0.1 * (trial.pipeline == "bad") + 0.02 * math.log(eta / 0.03) ** 2 + 0.01 * (depth - 4) ** 2


def search(of: Tuner, trials: int) -> list[TrialResult]:
    results: list[TrialResult] = []
    for number in range(1, trials + 1):
        known = max(number - of.lag - 1, 0)
        trial = of.propose(number, results[:known], [each.trial for each in results[known:]])
        results.append(TrialResult(number=number, trial=trial, stage_losses=(judge(trial),), is_whole=True))
    return results


def test_the_planted_optimum_is_found() -> None:
    found = search(tuner(), 60)
    best = min(found, key=lambda each: each.stage_losses)
    assert best.trial.pipeline == "good"
    assert best.stage_losses[0] < 0.01
    last = [each.trial.pipeline for each in found[-20:]]
    assert last.count("good") >= 12
    assert "line" not in last, "only the best pipelines are tuned on"


def test_later_starts_are_tried_on_the_best_pipeline_of_their_algorithm() -> None:
    trees = replace(TUNED["xgboost"], starts=[*TUNED["xgboost"].starts, {"eta": 0.1, "max_depth": 3}])
    starting = Tuner(PIPELINES, {**TUNED, "xgboost": trees}, (), lag=3, seed=0)
    firsts = [starting.propose(number, ()) for number in (1, 2, 3)]
    results = [
        TrialResult(number=number, trial=trial, stage_losses=(loss,), is_whole=True)
        for number, (trial, loss) in enumerate(zip(firsts, (0.9, 0.5, 0.1), strict=True), 1)
    ]
    assert starting.propose(4, results) == Trial(pipeline="bad", parameters={"eta": 0.1, "max_depth": 3})
    assert starting.propose(4, results[:1]).pipeline == "good"


def test_proposals_follow_from_what_is_known_and_the_seed_alone() -> None:
    once, again, other = search(tuner(), 16), search(tuner(), 16), search(tuner(seed=1), 16)
    assert once == again
    assert once != other


def test_every_pipeline_is_begun_with_and_what_was_asked_for_comes_first() -> None:
    mine = Trial(pipeline="bad", parameters={"max_depth": 3})
    found = search(tuner(first=[mine]), 6)
    assert found[0].trial == Trial(pipeline="bad", parameters={"eta": 0.5, "max_depth": 3})
    assert [each.trial.pipeline for each in found[1:4]] == ["good", "bad", "line"]
    assert found[4].trial.parameters == {"wd": 1e-5}


def test_values_stay_within_their_ranges() -> None:
    for each in search(tuner(), 30):
        if each.trial.pipeline != "line":
            assert 0.001 <= float(each.trial.parameters["eta"]) <= 1
            assert each.trial.parameters["max_depth"] in range(2, 11)
            assert isinstance(each.trial.parameters["max_depth"], int)


def test_a_trial_that_failed_is_no_better_than_the_worst() -> None:
    algorithms = {each.name: each.algorithm for each in PIPELINES}
    trial = Trial(pipeline="good", parameters={})
    losses = [(0.5,), (), (math.inf,), (0.9,)]
    results = [
        TrialResult(number=number, trial=trial, stage_losses=each, is_whole=True)
        for number, each in enumerate(losses, 1)
    ]
    assert estimate_losses(results, algorithms) == [0.5, 0.9, 0.9, 0.9]


def test_what_a_halted_trial_would_have_lost_is_told_by_whole_ones() -> None:
    algorithms = {each.name: each.algorithm for each in PIPELINES}
    trial = Trial(pipeline="good", parameters={})
    whole = TrialResult(number=1, trial=trial, stage_losses=(0.5, 0.4), is_whole=True)
    halted = TrialResult(number=2, trial=trial, stage_losses=(0.7,), is_whole=False)
    assert estimate_losses([whole, halted], algorithms) == pytest.approx([0.4, 0.6])


def test_pipelines_suit_the_table() -> None:
    found = recommend_pipelines(FACTS, ["xgboost", "linear-learner", "mlp"])
    assert [each.name for each in found] == [f"dpp{number}" for number in range(10)]
    assert [each.algorithm for each in found[:3]] == ["xgboost", "linear-learner", "mlp"]
    assert len({(each.algorithm, each.recipe) for each in found}) == 10
    assert all(each.recipe[0] == "date-parts" for each in found)
    assert found[1].recipe[1:] == ("missing-indicators", "robust-impute", "one-hot", "extreme-values", "robust-scale")
    assert any("robust-pca" in each.recipe for each in found)


def test_a_plain_table_needs_few_pipelines() -> None:
    facts = TableFacts(amounts=1, categories=0, has_gaps=False, has_extremes=False, has_interactions=False, cells=())
    found = recommend_pipelines(facts, ["xgboost", "linear-learner", "mlp"])
    assert [(each.algorithm, each.recipe) for each in found] == [
        ("xgboost", ()),
        ("linear-learner", ("robust-impute", "robust-scale")),
        ("mlp", ("robust-impute", "robust-scale")),
    ]


def test_chosen_algorithms_restrict_the_pipelines() -> None:
    found = recommend_pipelines(FACTS, ["linear-learner"])
    assert {each.algorithm for each in found} == {"linear-learner"}
    assert [each.name for each in found] == ["dpp0", "dpp1", "dpp2"]


@pytest.mark.parametrize("problem_type", list(ProblemType))
@pytest.mark.parametrize("rows", [100, 3000, 1_000_000])
@pytest.mark.parametrize("algorithm", ["xgboost", "linear-learner", "mlp"])
@pytest.mark.parametrize("seconds", [None, 1.0, 1e6])
def test_starts_lie_within_the_space(
    seconds: float | None, algorithm: str, rows: int, problem_type: ProblemType
) -> None:
    tuned = find_space(algorithm, problem_type, Workload(rows=rows, columns=20, seconds=seconds), {})
    assert tuned.starts
    for start in tuned.starts:
        assert start.keys() == tuned.space.keys()
        for name, within in tuned.space.items():
            value = start[name]
            assert value in within.values if isinstance(within, Choice) else within.low <= float(value) <= within.high


def test_ranges_of_the_user_are_kept() -> None:
    size = Workload(rows=1000, columns=5)
    tuned = find_space("xgboost", ProblemType.BINARY, size, {"max_depth": Range(low=2, high=3, is_whole=True)})
    assert {start["max_depth"] for start in tuned.starts} <= {2, 3}
    with pytest.raises(TaskError, match="xgboost has no parameter 'depth' that is tuned here; it has eta, "):
        find_space("xgboost", ProblemType.BINARY, size, {"depth": Range(low=2, high=3)})


def test_short_times_ask_for_fast_learners() -> None:
    def lay_out(algorithm: str, seconds: float | None) -> Tuned:
        size = Workload(rows=15_000, columns=54, outputs=7, folds=5, lanes=2, seconds=seconds)
        return find_space(algorithm, ProblemType.MULTICLASS, size, {})

    trees = [lay_out("xgboost", seconds) for seconds in (None, 10_000, 500, 10, 1)]
    lows = [eta.low for each in trees if isinstance(eta := each.space["eta"], Range)]
    assert trees[0].space == XGBOOST
    assert trees[0].fixed == trees[1].fixed == {"num_round": MOST_ROUNDS}
    assert lows == sorted(lows)
    assert lows[-2:] == [0.2, 0.2]
    assert float(trees[3].starts[0]["eta"]) == 0.2
    epochs = [int(lay_out("mlp", seconds).fixed["epochs"]) for seconds in (None, 500, 100, 1)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[-1] == 6


def test_short_tables_are_judged_by_a_fold_and_long_ones_by_rows_and_rounds() -> None:
    assert plan_stages(1000, 5, stops_early=True) == (
        Stage(folds=(0,)),
        Stage(folds=(0, 1, 2)),
        Stage(folds=(0, 1, 2, 3, 4)),
    )
    shares = [stage.rows_share for stage in plan_stages(1_000_000, 1, stops_early=True)]
    assert shares == pytest.approx([1 / 27, 1 / 9, 1 / 3, 1])
    assert [stage.rows_share for stage in plan_stages(200_000, 1, stops_early=True)] == pytest.approx([1 / 9, 1 / 3, 1])
    assert len(plan_stages(FEWEST_ROWS, 1, stops_early=True)) == 1
    assert len(plan_stages(1_000_000, 5, stops_early=False)) == 1


def lets_on(referee: Halving, number: int, loss: float, *, stage: int = 0, at_once: bool = False) -> bool | None:
    plan = Plan(id=name_trial(number), algorithm="xgboost", parameters={}, seed=0, is_staged=True)
    return referee.lets_on(plan, stage, [loss], at_once=at_once)


def test_the_best_third_goes_on() -> None:
    referee = Halving((Stage(folds=(0,)), Stage(folds=(0, 1))), kept={12})
    assert lets_on(referee, 1, 0.9)
    for number in range(1, 10):
        referee.note_end(number, [number / 10])
    assert lets_on(referee, 10, 0.35)
    assert not lets_on(referee, 10, 0.45)
    assert not lets_on(referee, 10, math.nan)
    assert lets_on(referee, 4, 0.05), "trials of higher numbers have no say"
    assert lets_on(referee, 12, 99.0), "it is kept whatever it shows"


def test_a_trial_waits_for_those_before_it() -> None:
    referee = Halving((Stage(folds=(0,)), Stage(folds=(0, 1))))
    assert lets_on(referee, 2, 0.5) is None
    assert lets_on(referee, 2, 0.5, at_once=True)
    assert lets_on(referee, 1, 0.4)
    assert lets_on(referee, 2, 0.5) is False
    assert lets_on(referee, 3, 0.3, stage=1) is None, "the second stage of the first trial is not through"
    referee.note_end(1, ())
    referee.note_end(2, (0.5,))
    assert lets_on(referee, 3, 0.3, stage=1)


def test_where_nobody_is_waited_for_all_that_is_known_counts() -> None:
    referee = Halving((Stage(folds=(0,)), Stage(folds=(0, 1))), waits=False)
    assert lets_on(referee, 2, 0.5) is None, "there is nothing to compare it with"
    assert lets_on(referee, 2, 0.5, at_once=True)
    assert lets_on(referee, 3, 0.6) is None
    referee.note_end(5, (0.7,))
    assert lets_on(referee, 3, 0.6) is False
    assert lets_on(referee, 1, 0.4), "trials of higher numbers have a say"
    assert referee.losses(1) == (0.4,)
    assert lets_on(referee, 4, 0.55) is False
    referee.note_end(1, ())
    assert lets_on(referee, 4, 0.45), "who failed has no say"


def test_ids_hold_the_number_of_the_trial() -> None:
    assert name_trial(7) == "c007"
    assert [number_of(name_trial(number)) for number in (1, 99, 1234)] == [1, 99, 1234]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Range(low=2, high=1), "must not end below its beginning: 2 to 1"),
        (lambda: Range(low=0, high=1), "must begin above 0, not at 0"),
        (lambda: Choice(values=()), "at least one value"),
        (lambda: Pipeline(name="a b", algorithm="xgboost", recipe=()), "not 'a b'"),
        (lambda: Tuning(pipelines=PIPELINES * 4), "at most 10 pipelines, not 12"),
        (lambda: Tuning(pipelines=PIPELINES * 2), "must have different names"),
        (lambda: Tuning(pipelines=PIPELINES, first=(Trial(pipeline="x", parameters={}),)), "no pipeline 'x'"),
        (lambda: Task(target="y", tuning=Tuning(pipelines=PIPELINES)), "nothing in the mode of ensembling"),
        (lambda: Task(target="y", mode=Mode.AUTO, algorithms=("xgboost",)), "must not be named when the mode is auto"),
    ],
)
def test_what_cannot_be_tuned_is_told(wrong: object, message: str) -> None:
    assert callable(wrong)
    with pytest.raises(TaskError, match=message):
        wrong()


def test_medians_of_moves_are_taken_over_the_same_algorithm() -> None:
    algorithms = {each.name: each.algorithm for each in PIPELINES}
    results = [
        TrialResult(number=1, trial=Trial(pipeline="line", parameters={}), stage_losses=(1.0, 2.0), is_whole=True),
        TrialResult(number=2, trial=Trial(pipeline="good", parameters={}), stage_losses=(1.0, 0.5), is_whole=True),
        TrialResult(number=3, trial=Trial(pipeline="bad", parameters={}), stage_losses=(1.0,), is_whole=False),
    ]
    assert np.allclose(estimate_losses(results, algorithms), [2.0, 0.5, 0.5])


def schedule(stages: Sequence[Stage], *, is_timed: bool) -> Schedule:
    terms = Terms(max_trials=9, is_timed=is_timed, kept_algorithms=(), seed=0)
    return Schedule(PIPELINES, tuner(lag=1), stages, terms)


@pytest.mark.parametrize("is_timed", [True, False])
def test_the_first_trial_of_each_algorithm_sees_all_of_a_long_table(is_timed: bool) -> None:
    trials = schedule(plan_stages(1_000_000, 1, stops_early=True), is_timed=is_timed)
    lets_on = []
    for number, loss in ((1, 0.3), (2, 0.5), (3, 0.9)):
        assert trials.next() == number
        lets_on.append(trials.referee.lets_on(trials.plan(number, ""), 0, [loss], at_once=True))
    assert lets_on == [True, False, True], "the third is the first of another algorithm"


def test_the_first_trial_of_a_short_table_shows_its_first_folds_too() -> None:
    trials = schedule(plan_stages(1000, 5, stops_early=True), is_timed=False)
    assert trials.next() == 1
    assert trials.align(trials.plan(1, ""), [(0.1, 0.2, 0.3, 0.4, 0.5)]) == pytest.approx((0.1, 0.2, 0.3))


def test_pipelines_of_good_starts_are_known_beforehand() -> None:
    trials = schedule(plan_stages(1000, 5, stops_early=True), is_timed=False)
    foreseen = [trials.foresee(number) for number in range(1, 5)]
    assert foreseen == [*PIPELINES, None]
