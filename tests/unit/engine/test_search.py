"""What is tried, and in which order."""

from __future__ import annotations

import pytest

from gyropilot.engine.algorithms.catalogue import ALGORITHMS, find_algorithms
from gyropilot.engine.problems.tabular.candidates import FOUND_BY_TRAINING
from gyropilot.engine.search.portfolio import plan_candidates
from gyropilot.engine.search.variation import PATIENCE, Tried, Variations, choose_parent, vary
from gyropilot.engine.task import ProblemType
from gyropilot.engine.tuning import Range

RANGES = ALGORITHMS["lightgbm"].abilities.ranges
PARAMETERS = {"num_leaves": 31, "learning_rate": 0.1, "extra_trees": True}


def tried(*losses: float) -> list[Tried]:
    return [Tried(algorithm="lightgbm", parameters=PARAMETERS, loss=loss) for loss in losses]


def variations() -> Variations:
    return Variations({"lightgbm": RANGES, "linear-learner": {}}, first=9, seed=0)


def test_plans_are_numbered_in_the_order_of_their_priority() -> None:
    plans = plan_candidates(find_algorithms([]), ProblemType.BINARY, 1000)
    assert [plan.id for plan in plans] == [f"c{number:02d}" for number in range(1, len(plans) + 1)]
    assert plans[0].algorithm == "linear-learner"
    assert plans == plan_candidates(find_algorithms([]), ProblemType.BINARY, 1000)
    assert len({plan.seed for plan in plans}) == len(plans)


@pytest.mark.parametrize(("allowed", "planned"), [(1, 1), (2, 2), (3, 2), (5, 4)])
def test_few_candidates_are_the_strongest_and_leave_room_for_the_ensemble(allowed: int, planned: int) -> None:
    plans = plan_candidates(find_algorithms([]), ProblemType.BINARY, 1000, max_candidates=allowed)
    assert len(plans) == planned
    assert "linear-learner" not in {plan.algorithm for plan in plans}


def test_algorithms_are_restricted() -> None:
    plans = plan_candidates(find_algorithms(["xgboost"]), ProblemType.REGRESSION, 1000)
    assert {plan.algorithm for plan in plans} == {"xgboost"}


@pytest.mark.parametrize("name", [name for name, algorithm in ALGORITHMS.items() if algorithm.abilities.ranges])
def test_variations_stay_within_their_ranges(name: str) -> None:
    algorithm = ALGORITHMS[name]
    ranges = algorithm.abilities.ranges
    start = algorithm.configurations(ProblemType.BINARY, 1000)[0].parameters
    for seed in range(50):
        varied = vary(start, ranges, seed=seed)
        assert varied == vary(start, ranges, seed=seed)
        changed = {key for key, value in varied.items() if start.get(key) != value}
        assert len(changed) <= 3
        for key in changed:
            value = varied[key]
            assert ranges[key].low <= float(value) <= ranges[key].high
            assert isinstance(value, int) or not ranges[key].is_whole


def test_better_configurations_are_varied_more_often() -> None:
    chosen = [choose_parent([3.0, 1.0, 2.0, 9.0], seed=seed) for seed in range(300)]
    assert chosen.count(1) > chosen.count(2) > chosen.count(0) > 0
    assert 3 not in chosen


def test_variations_are_numbered_on() -> None:
    made = variations()
    first, second = made.next(tried(1.0)), made.next(tried(1.0))
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == ("c09", "c10")
    assert first.parameters != PARAMETERS
    assert first.parameters["extra_trees"] is True


def test_what_cannot_be_varied_gives_nothing() -> None:
    assert variations().next([Tried(algorithm="linear-learner", parameters={}, loss=1.0)]) is None
    assert variations().next([]) is None


def test_variations_end_when_they_are_in_vain() -> None:
    vain = [1.0] + [1.1] * PATIENCE
    assert variations().next(tried(*vain)) is None
    assert variations().next(tried(*vain[:-1])) is not None
    assert variations().next(tried(*vain, 0.9)) is not None
    assert variations().next(tried(*vain, 0.99999)) is None


def test_names_end_before_the_ensembles() -> None:
    made = Variations({"lightgbm": RANGES}, first=100, seed=0)
    assert made.next(tried(1.0)) is None


def test_ranges_start_in_their_middle() -> None:
    assert Range(low=1, high=100).middle == 10
    assert Range(low=0, high=1, is_logarithmic=False).middle == 0.5


def test_no_setting_has_the_name_of_what_training_adds() -> None:
    for algorithm in ALGORITHMS.values():
        for problem_type in algorithm.abilities.problem_types:
            for configuration in algorithm.configurations(problem_type, 1000):
                assert not FOUND_BY_TRAINING & configuration.parameters.keys()
