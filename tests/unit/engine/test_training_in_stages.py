"""Training in stages: what is begun, what is gone on with, and on which rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from gyropilot.engine.algorithms.linear.linear_learner import LinearLearner
from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.bundle.graph import Member, build_graph
from gyropilot.engine.contracts import Parameters, Plan, Stage
from gyropilot.engine.data import store
from gyropilot.engine.data.folds import CROSS_VALIDATED_ROWS, HELD_OUT_ROWS, deal_for_tuning
from gyropilot.engine.data.store import deal_anew, read_training_data, take_share, write_training_data
from gyropilot.engine.lanes.candidate import LARGEST_RATE, Candidate
from gyropilot.engine.lanes.messages import Advance, Advanced, Begin, Order
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import make_data

PLAN = Plan(id="c007", algorithm="xgboost", parameters={"eta": 0.1, "num_round": 900, "max_depth": 4}, seed=1)
FOLDS = (Stage(folds=(0,)), Stage(folds=(0, 1, 2)))
PARTS = (Stage(folds=(0,), rows_share=1 / 9, steps_share=1 / 3), Stage(folds=(0,)))


def candidate(stages: tuple[Stage, ...], plan: Plan = PLAN) -> Candidate:
    return Candidate(plan, stages, lanes=1, check_rows=[0], table="table", folder=Path("c007"))


def go_through(stage: Candidate, losses: list[float]) -> None:
    """Answer its orders until it has to be judged, or knows its number of steps."""
    order = stage.next_order(0)
    while order is not None and not stage.is_finishing:
        assert isinstance(order, Begin | Advance)
        given = losses if isinstance(order, Advance) else []
        stage.advanced(Advanced(order.fit, given, bool(given), 0.1))
        order = stage.next_order(0)


def test_the_first_fold_is_gone_on_with() -> None:
    trial = candidate(FOLDS)
    go_through(trial, [0.5, 0.4, 0.45])
    waited = trial.awaits_judgement
    assert trial.stage_losses == [(0.4,)]
    assert trial.next_order(0) is None
    assert trial.promote() == []
    assert (waited, trial.awaits_judgement) == (True, False)
    begun = trial.next_order(0)
    assert isinstance(begun, Begin)
    assert (begun.fit, begun.fold, begun.table, begun.rows_share) == ("c007.1", 1, "table", 1.0)
    trial.advanced(Advanced(begun.fit, [], False, 0.1))
    go_through(trial, [0.5, 0.4, 0.45])
    assert (trial.is_finishing, trial.steps) == (True, 2)
    assert trial.stage_losses[1] == (0.4, 0.4, 0.4)


def test_parts_of_rows_and_rounds_are_begun_anew_with_all() -> None:
    trial = candidate(PARTS)
    first = begin_next(trial)
    assert (first.parameters["num_round"], first.parameters["max_depth"]) == (300, 4)
    assert first.parameters["eta"] == pytest.approx(0.3)
    assert first.rows_share == pytest.approx(1 / 9)
    trial.advanced(Advanced(first.fit, [], False, 0.1))
    go_through(trial, [0.5, 0.4, 0.45])
    (dropped,) = trial.promote()
    second = begin_next(trial)
    assert dropped.key == first.fit != second.fit
    assert (second.parameters, second.rows_share) == (PLAN.parameters, 1.0)
    trial.advanced(Advanced(first.fit, [0.1], False, 0.1))  # what comes of a fold that was let go


def begin_next(trial: Candidate) -> Begin:
    order: Order | None = trial.next_order(0)
    assert isinstance(order, Begin)
    return order


@pytest.mark.parametrize("eta", [0.4, 0.9])
def test_a_rate_is_not_raised_beyond_what_is_sensible(eta: float) -> None:
    trial = candidate(PARTS, replace(PLAN, parameters={**PLAN.parameters, "eta": eta}))
    assert begin_next(trial).parameters["eta"] == max(LARGEST_RATE, eta)


def test_a_smaller_share_of_rows_is_a_part_of_a_larger_one() -> None:
    data = make_data(ProblemType.BINARY)
    small, large = (take_share(data, share) for share in (0.25, 0.5))
    assert len(large.training_rows(0)) == round(0.5 * len(data.training_rows(0)))
    assert set(small.training_rows(0)) < set(large.training_rows(0)) < set(data.training_rows(0))
    np.testing.assert_array_equal(small.validation_rows(0), data.validation_rows(0))


def test_a_share_of_rows_is_scored_on_no_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FEWEST_SCORED", 10)
    data = make_data(ProblemType.BINARY)
    share = take_share(data, 0.1)
    assert len(share.validation_rows(0)) == max(len(share.training_rows(0)), 10) < len(data.validation_rows(0))
    assert set(share.validation_rows(0)) < set(data.validation_rows(0))


def test_short_tables_have_five_folds_and_long_ones_hold_rows_out() -> None:
    random = np.random.default_rng(0)
    folds, count = deal_for_tuning(random.normal(size=1000), ProblemType.REGRESSION, 0, is_scored_elsewhere=False)
    assert count == 5
    assert set(np.bincount(folds)) == {200}
    long = random.normal(size=CROSS_VALIDATED_ROWS + 1000)
    shares = {}
    for elsewhere in (False, True):
        folds, count = deal_for_tuning(long, ProblemType.REGRESSION, 0, is_scored_elsewhere=elsewhere)
        assert count == 1
        shares[elsewhere] = (folds == 0).mean()
    assert shares == pytest.approx({False: 0.2, True: 0.1}, abs=0.001)
    folds, _ = deal_for_tuning(np.zeros(20 * HELD_OUT_ROWS), ProblemType.REGRESSION, 0, is_scored_elsewhere=False)
    assert (folds == 0).sum() == HELD_OUT_ROWS


def test_another_turn_holds_other_rows_out() -> None:
    long = np.random.default_rng(0).normal(size=CROSS_VALIDATED_ROWS + 1000)
    first, other = (
        deal_for_tuning(long, ProblemType.REGRESSION, 0, is_scored_elsewhere=False, turn=turn)[0] for turn in (0, 1)
    )
    assert not ((first == 0) & (other == 0)).any()


def test_a_table_is_dealt_anew_without_being_copied(tmp_path: Path) -> None:
    data = make_data(ProblemType.BINARY)
    write_training_data(data, tmp_path / "one")
    deal_anew(tmp_path / "one", tmp_path / "two", 3 - data.folds)
    other = read_training_data(tmp_path / "two")
    np.testing.assert_array_equal(other.features, data.features)
    np.testing.assert_array_equal(other.folds, 3 - data.folds)
    assert (tmp_path / "two" / "features.npy").is_symlink()
    np.testing.assert_array_equal(read_training_data(tmp_path / "one").folds, data.folds)


@pytest.mark.parametrize("problem_type", [ProblemType.BINARY, ProblemType.REGRESSION])
def test_stochastic_lines_learn_and_are_exported(problem_type: ProblemType) -> None:
    data = make_data(problem_type)
    parameters: Parameters = {"solver": "sgd", "wd": 1e-5, "l1": 1e-6, "learning_rate": 0.05, "epochs": 8}
    fit, again = (LinearLearner().begin(data, 0, parameters, seed) for seed in (1, 1))
    progress = fit.advance(100, 60)
    assert progress.is_finished
    assert len(progress.losses) == 8
    assert progress.losses[-1] < progress.losses[0]
    again.advance(100, 60)
    np.testing.assert_array_equal(fit.predict(8), again.predict(8))
    rows = np.arange(len(data.target))
    check_graph(Member(parts=[fit.part(8)], weight=1.0), problem_type, data.features, fit.score_rows(rows, 8))


def check_graph(member: Member, problem_type: ProblemType, features: np.ndarray, raw: np.ndarray) -> None:
    graph = build_graph([member], problem_type, features.shape[1])
    given = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"features": features})[0]
    expected = to_predictions(raw, problem_type).reshape(len(features), -1)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5)
