"""Long tables: a part is held out, each lane trains a candidate of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine import Budget, Task, fit
from gyropilot.engine.budget import Deadline
from gyropilot.engine.contracts import DERIVED, PLAIN, Plan, Stage
from gyropilot.engine.data import folds as dealing
from gyropilot.engine.data.folds import HELD_OUT_ROWS, LONG, MOST_HASTE, count_folds, deal_for_ensembling, measure_haste
from gyropilot.engine.data.store import write_training_data
from gyropilot.engine.lanes.candidate import Candidate
from gyropilot.engine.lanes.inline import InlineLane
from gyropilot.engine.lanes.messages import Advanced, Answer, Order
from gyropilot.engine.lanes.outcomes import Trained
from gyropilot.engine.lanes.process import Lane
from gyropilot.engine.lanes.stages import OneStage
from gyropilot.engine.lanes.training import Limits, Training
from gyropilot.engine.problems.tabular.enrich import GROUPS, enrich
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import make_data
from tests.unit.engine.test_enrichment import CATEGORIES, ENCODER, PRODUCT, ROWS
from tests.unit.engine.test_enrichment import make_data as make_table

SLOW = {"learning_rate": 1e-6, "num_leaves": 63, "min_data_in_leaf": 5}


def test_a_tenth_of_a_long_table_is_held_out() -> None:
    target = (np.arange(LONG + 1) % 5 == 0).astype(np.float64)
    assert (count_folds(LONG), count_folds(len(target))) == (3, 1)
    folds = deal_for_ensembling(target, ProblemType.BINARY, 1, 0)
    assert np.bincount(folds).tolist() == pytest.approx([LONG / 10, 9 * LONG / 10], abs=2)
    assert target[folds == 0].mean() == pytest.approx(0.2, abs=0.001)
    folds = deal_for_ensembling(np.zeros(15 * HELD_OUT_ROWS), ProblemType.REGRESSION, 1, 0)
    assert (folds == 0).sum() == HELD_OUT_ROWS


def test_a_part_is_held_out_where_the_time_is_short_for_the_table() -> None:
    enough = measure_haste(50_000, 10, 3, 1) / MOST_HASTE
    hastes = [measure_haste(50_000, 10, 3, seconds) for seconds in (1.01 * enough, 0.99 * enough, float("inf"))]
    assert [count_folds(50_000, haste) for haste in hastes] == [4, 1, 4]
    # A part of few rows would tell too little.
    assert count_folds(500, measure_haste(500, 1000, 3, 10)) == 5


def test_held_out_answers_are_in_no_derived_column() -> None:
    target = PRODUCT + CATEGORIES
    data = make_table(target)
    data = replace(data, folds=np.where(data.folds < 5, np.minimum(data.folds, 1), data.folds))
    held, learned = data.validation_rows(0), data.validation_rows(1)
    changed = target.copy()
    changed[held] += 1000
    (_, before), (encoder, after) = (enrich(ENCODER, replace(data, target=each), 1, 0) for each in (target, changed))
    assert after.column_folds == (PLAIN,) * 4 + (DERIVED, 0)
    np.testing.assert_array_equal(before.features, after.features)
    # Rows that are learned from see the means of other groups; all others see what serving looks up.
    seen = [np.unique(after.features[rows[CATEGORIES[rows] == 0], 5]) for rows in (held, learned)]
    assert [len(each) for each in seen] == [1, GROUPS]
    assert encoder.features[5].name == "d: mean answer 0"
    assert len(target) == ROWS


class TwoLanes(InlineLane):
    """Two lanes that do at once what they are told, and ask for an end when each has trained a step."""

    count = 2

    def __init__(self, stop: Event) -> None:
        super().__init__()
        self._pair = (Lane(), Lane())
        self._heard: deque[tuple[int, Answer]] = deque()
        self._trained: set[int] = set()
        self._stop = stop

    def send(self, lane: int, message: Order) -> None:
        answer = self._pair[lane].obey(message)
        if answer is not None:
            self._heard.append((lane, answer))

    def receive(self, timeout_seconds: float) -> tuple[int, Answer] | None:
        if not self._heard:
            return None
        lane, answer = self._heard.popleft()
        if isinstance(answer, Advanced) and answer.losses:
            self._trained.add(lane)
        if len(self._trained) == self.count:
            self._stop.set()
        return lane, answer


def test_each_lane_trains_a_candidate_and_all_are_kept_at_the_end(tmp_path: Path) -> None:
    data = make_data(ProblemType.BINARY)
    write_training_data(replace(data, folds=np.minimum(data.folds, 1)), tmp_path / "data")
    plans = iter([Plan(id=f"c{number}", algorithm="lightgbm", parameters=SLOW, seed=1) for number in range(9)])
    stop = Event()
    training = Training(
        lanes=TwoLanes(stop),
        data_folder=tmp_path / "data",
        candidates_folder=tmp_path / "candidates",
        next_plan=lambda: next(plans, None),
        referee=OneStage(1),
        check_rows=[0, 1, 2],
        limits=Limits(deadline=Deadline(), reserve=lambda: 0.0, stop=stop),
    )
    trained = [outcome for outcome in training.run() if isinstance(outcome, Trained)]
    assert sorted(each.plan.id for each in trained) == ["c0", "c1"]
    assert all(each.was_cut and len(each.paths) == 1 for each in trained)


def test_each_lane_stores_its_own_folds() -> None:
    plan = Plan(id="c00", algorithm="lightgbm", parameters=SLOW, seed=1)
    one, three = (Candidate(plan, (Stage(folds=tuple(range(count))),), 2, [0], "", Path("c00")) for count in (1, 3))
    one.next_order(1)
    assert one.count_unstored(2) == [0, 1]
    assert three.count_unstored(2) == [2, 1]


def test_run_on_a_long_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LONG", 1000)
    random = np.random.default_rng(0)
    x, z = random.normal(size=(2, 1200))
    table = pa.table({"x": x, "z": z, "y": np.where(x + z + random.normal(size=1200) > 0, "a", "b")})
    model = fit(table, Task(target="y", objective="auc"), Budget(max_candidates=4, cores=2))
    assert len(model.candidates) == 4
    assert all(0.7 < each.objective.value < 1 and len(each.part_losses) == 5 for each in model.candidates)
