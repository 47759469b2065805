"""The lane of this process does what the others do, in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine import Budget, Task, fit, run
from gyropilot.engine.budget import Deadline
from gyropilot.engine.contracts import Plan
from gyropilot.engine.data.store import write_training_data
from gyropilot.engine.events import CandidateFailed, CandidateFinished
from gyropilot.engine.lanes.inline import InlineLane
from gyropilot.engine.lanes.messages import Advance, Advanced, Answer, Begin, Drop, Failed, Open, Opened
from gyropilot.engine.lanes.outcomes import GaveUp
from gyropilot.engine.lanes.stages import OneStage
from gyropilot.engine.lanes.training import Limits, Training
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import FOLDS, make_data

HERE = Budget(max_candidates=1, in_process=True)


def test_orders_are_carried_out_in_turn(tmp_path: Path) -> None:
    write_training_data(make_data(ProblemType.BINARY), tmp_path / "data")
    lane = InlineLane()
    assert (lane.count, lane.receive(0)) == (1, None)
    lane.send(0, Open(str(tmp_path / "data")))
    lane.send(0, Drop("none"))
    lane.send(0, Begin("a.0", "lightgbm", {"num_leaves": 7}, 0, 1))
    lane.send(0, Advance("a.0", 2, 10.0))
    assert lane.receive(0) == (0, Opened())
    answers = [lane.receive(0), lane.receive(0)]
    assert [len(answer[1].losses) for answer in answers if answer and isinstance(answer[1], Advanced)] == [0, 2]
    assert lane.receive(0) is None


def test_a_restarted_lane_has_forgotten_everything(tmp_path: Path) -> None:
    lane = InlineLane()
    lane.send(0, Open("never carried out"))
    lane.restart(0)
    lane.send(0, Begin("a.0", "lightgbm", {}, 0, 1))
    received = lane.receive(0)
    assert received is not None
    assert isinstance(received[1], Failed)


def test_training_here_gives_the_models_that_lanes_give(table_csv: Path, tmp_path: Path) -> None:
    task = Task(target="label", algorithms=("linear-learner",))
    scores = []
    for name, budget in (("here", HERE), ("there", Budget(max_candidates=1, cores=1))):
        events = run([table_csv], task, budget, folder=tmp_path / name)
        scores.append([event.result.scores for event in events if isinstance(event, CandidateFinished)])
    assert len(scores[0]) == 1
    assert scores[0] == scores[1]


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost", "catboost", "linear-learner"])
def test_a_table_too_small_to_be_divided_ends_in_a_model(algorithm: str) -> None:
    random = np.random.default_rng(0)
    table = pa.table({"x": random.normal(size=12), "y": random.normal(size=12)})
    failures: list[object] = []
    model = fit(
        table,
        Task(target="y", algorithms=(algorithm,)),
        HERE,
        on_event=lambda event: failures.append(event) if isinstance(event, CandidateFailed) else None,
    )
    assert failures == []
    assert len(model.candidates) == 1


class BarrenLane(InlineLane):
    """A lane whose fits are finished before their first step."""

    def receive(self, timeout_seconds: float) -> tuple[int, Answer] | None:
        received = super().receive(timeout_seconds)
        if received is not None and isinstance(received[1], Advanced):
            return 0, Advanced(received[1].fit, [], is_finished=bool(received[1].losses), seconds=0.0)
        return received


def test_a_fit_that_learns_no_step_does_not_hold_up_the_others(tmp_path: Path) -> None:
    write_training_data(make_data(ProblemType.BINARY), tmp_path / "data")
    plans = iter([Plan(id=name, algorithm="lightgbm", parameters={"num_leaves": 7}, seed=1) for name in ("c01", "c02")])
    training = Training(
        lanes=BarrenLane(),
        data_folder=tmp_path / "data",
        candidates_folder=tmp_path / "candidates",
        next_plan=lambda: next(plans, None),
        referee=OneStage(FOLDS),
        check_rows=[0],
        limits=Limits(deadline=Deadline.after(None), reserve=lambda: 0.0),
    )
    given_up = [outcome for outcome in training.run() if isinstance(outcome, GaveUp)]
    assert [(each.plan.id, each.was_stopped) for each in given_up] == [("c01", False), ("c02", False)]
    assert all("no step that it could learn" in each.reason for each in given_up)
