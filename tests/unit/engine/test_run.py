"""Whole runs: from a file to a model that predicts."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gyropilot.engine import Budget, ProblemType, Task, fit, load, run
from gyropilot.engine.errors import BudgetSpentError, DataError, RequestError, TaskError
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateStarted,
    DataRead,
    Event,
    Found,
    Phase,
    PhaseBegan,
    RunFinished,
)
from gyropilot.engine.lanes.forking import find_nursery

FEW = Budget(max_candidates=3, cores=2)


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def regression() -> pa.Table:
    random = np.random.default_rng(0)
    x, z = random.normal(size=400), random.normal(size=400)
    return pa.table({"x": x, "z": z, "y": 3 * x + np.abs(z) + 0.1 * random.normal(size=400)})


def test_run_tells_its_story(table_csv: Path, tmp_path: Path) -> None:
    task = Task(target="label", objective="auc")
    events = list(run([table_csv], task, FEW, folder=tmp_path / "run"))
    assert [event.phase for event in of(PhaseBegan, events)] == list(Phase)
    (read,) = of(DataRead, events)
    assert (read.rows, read.columns, read.problem_type, read.objective) == (300, 4, "binary", "auc")
    assert "only 300 rows" in of(Found, events)[0].message
    finished = of(CandidateFinished, events)
    assert [each.result.id for each in finished if each.result.algorithm == "weighted-ensemble"] in ([], ["c100"])
    assert len(of(CandidateStarted, events)) == len(finished)
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.reason == "max_candidates"
    assert last.best == last.candidates[0]
    assert last.best.objective.value == max(each.result.objective.value for each in finished)
    assert last.best.objective.value > 0.8
    predictor = load(last.best.folder).predictor
    assert predictor.feature_names == ("amount", "colour", "when", "note")
    assert predictor.predict_rows([["2.0", "red", "2024-01-01", "x"]]).labels == ("yes",)


def test_score_is_that_of_unseen_rows(tmp_path: Path) -> None:
    """A target that is pure noise cannot be predicted; an honest score says so."""
    random = np.random.default_rng(1)
    table = pa.table({f"x{number}": random.normal(size=400) for number in range(10)})
    table = table.append_column("y", pa.array([str(label) for label in random.integers(0, 2, 400)]))
    fitted = fit(table, Task(target="y", objective="auc"), FEW)
    assert all(0.4 < candidate.objective.value < 0.6 for candidate in fitted.candidates)


def test_equal_runs_give_equal_models(regression: pa.Table, tmp_path: Path) -> None:
    rows = [["0.5", "1"], ["", "-2"]]
    first, second = (fit(regression, Task(target="y", seed=5), FEW) for _ in range(2))
    assert [candidate.objective for candidate in first.candidates] == [
        candidate.objective for candidate in second.candidates
    ]
    one, other = first.predictor.predict_rows(rows).values, second.predictor.predict_rows(rows).values
    np.testing.assert_array_equal(one, other)


def test_model_is_saved_and_loaded(regression: pa.Table, tmp_path: Path) -> None:
    fitted = fit(regression, "y", FEW, folder=tmp_path / "run")
    fitted.save(tmp_path / "model.tar.gz")
    rows = [["1", "0"], ["-1", "2"]]
    values = load(tmp_path / "model.tar.gz").predictor.predict_rows(rows).values
    assert values is not None
    np.testing.assert_array_equal(values, fitted.predictor.predict_rows(rows).values)
    np.testing.assert_allclose(values, [3, -1], atol=0.8)


def test_killed_run_goes_on_from_its_last_finished_candidate(table_csv: Path, tmp_path: Path) -> None:
    task, budget = Task(target="label", objective="log_loss"), Budget(max_candidates=4, cores=2)
    events: Iterator[Event] = run([table_csv], task, budget, folder=tmp_path / "run")
    before = []
    for event in events:
        if isinstance(event, CandidateFinished):
            before.append(event.result)
            break
    events.close()  # type: ignore[attr-defined]  # a generator: closing it ends the lanes as a kill would
    after = list(run([table_csv], task, budget, folder=tmp_path / "run"))
    again = of(CandidateFinished, after)
    assert again[0].result == before[0]
    assert before[0].id not in {event.id for event in of(CandidateStarted, after)}
    whole = list(run([table_csv], task, budget, folder=tmp_path / "other"))
    one, other = of(RunFinished, after)[0], of(RunFinished, whole)[0]
    assert {each.id: each.objective for each in one.candidates} == {
        each.id: each.objective for each in other.candidates
    }


def test_folder_of_another_run_is_not_touched(table_csv: Path, tmp_path: Path) -> None:
    list(run([table_csv], Task(target="label"), Budget(max_candidates=1), folder=tmp_path / "run"))
    with pytest.raises(DataError, match="holds another run"):
        list(run([table_csv], Task(target="colour"), FEW, folder=tmp_path / "run"))


def test_stop_ends_with_the_best_model_so_far(table_csv: Path, tmp_path: Path) -> None:
    stop = Flag()
    last = None
    for event in run([table_csv], Task(target="label"), Budget(cores=1), folder=tmp_path / "run", stop=stop):
        if isinstance(event, CandidateFinished):
            stop.set()
        last = event
    assert isinstance(last, RunFinished)
    assert last.reason == "stopped"


def test_lanes_that_cannot_be_started_any_more_end_the_run_with_its_models(
    table_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    for event in run([table_csv], Task(target="label"), Budget(cores=2), folder=tmp_path / "run"):
        events.append(event)
        if len(of(CandidateFinished, events)) == 1:
            monkeypatch.setattr(sys, "executable", shutil.which("false"))
            find_nursery().close()
    assert any("Training ended early." in found.message for found in of(Found, events))
    assert isinstance(events[-1], RunFinished)
    ended = [event.result.id for event in of(CandidateFinished, events)]
    ended += [event.id for event in of(CandidateFailed, events)]
    assert sorted(ended) == sorted(event.id for event in of(CandidateStarted, events))


def test_stop_before_a_model_is_told(table_csv: Path, tmp_path: Path) -> None:
    stop = Flag()
    stop.set()
    with pytest.raises(BudgetSpentError, match="stopped before a first candidate"):
        list(run([table_csv], Task(target="label"), Budget(), folder=tmp_path / "run", stop=stop))


def test_budget_that_is_too_small_is_told_in_time(table_csv: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(BudgetSpentError, match=r"The budget of 0\.2 s ended before a first candidate"):
        list(run([table_csv], Task(target="label"), Budget(max_runtime_seconds=0.2), folder=tmp_path / "run"))
    assert time.monotonic() - began < 10


def test_algorithms_are_restricted(table_csv: Path) -> None:
    fitted = fit(table_csv, Task(target="label", algorithms=("xgboost",)), Budget(max_candidates=2))
    assert {candidate.algorithm for candidate in fitted.candidates} == {"xgboost"}


def test_multiclass_of_words_and_rare_classes() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=300)
    labels = np.select([x < -0.5, x > 0.5], ["low", "high"], "middle")
    labels[:2] = "odd"
    fitted = fit(pa.table({"x": x, "label": labels}), "label", FEW)
    assert fitted.predictor.problem_type is ProblemType.MULTICLASS
    assert fitted.predictor.classes == ("high", "low", "middle", "odd")
    assert fitted.predictor.predict_rows([["-2"], ["0"], ["2"]]).labels == ("low", "middle", "high")


def test_held_out_rows_are_scored_and_never_learned_from(regression: pa.Table) -> None:
    """Answers of the held-out rows are turned round: a model that saw them would not be this wrong."""
    scored = regression.set_column(2, "y", pa.array([-value for value in regression.column("y").to_pylist()]))
    honest = fit(regression, Task(target="y", objective="r2"), FEW)
    against = fit(regression, Task(target="y", objective="r2"), FEW, validation=scored)
    assert honest.candidates[0].objective.value > 0.9
    assert all(candidate.objective.value < 0 for candidate in against.candidates)
    fraction = fit(regression, Task(target="y", objective="r2", validation_fraction=0.25), FEW)
    assert fraction.predictor.manifest.provenance.rows == 300
    assert fraction.candidates[0].objective.value > 0.9


def test_validation_rows_of_a_class_never_seen_count_as_errors(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=200)
    table = pa.table({"x": x, "label": np.where(x > 0, "up", "down")})
    scored = pa.table({"x": [2.0, -2.0, 2.0, -2.0], "label": ["up", "down", "sideways", "up"]})
    fitted = fit(table, Task(target="label", objective="accuracy"), FEW, validation=scored)
    assert fitted.candidates[0].objective.value == 0.5


def test_weights_are_no_feature_and_invalid_ones_leave_rows_out() -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=400)
    weights: list[float | None] = [1.0] * 400
    weights[:4] = [None, -1.0, float("inf"), 0.0]
    events: list[Event] = []
    table = pa.table({"x": x, "w": weights, "label": np.where(x > 0, "up", "down")})
    fitted = fit(table, Task(target="label", weight_column="w"), FEW, on_event=events.append)
    assert "3 rows have no valid weight" in of(Found, events)[0].message
    predictor = fitted.predictor
    assert predictor.feature_names == ("x",)
    for row in (["2"], ["2", "1"], ["2", "1", "up"]):
        assert predictor.predict_rows([row]).labels == ("up",)
    with pytest.raises(RequestError, match="Expected number of columns is 1"):
        predictor.predict_rows([["2", "1", "up", "x"]])


def test_weights_change_what_is_learned_and_scored() -> None:
    """Two halves of the rows say the opposite; the heavy half is believed."""
    random = np.random.default_rng(9)
    x = random.normal(size=600)
    heavy = np.arange(600) % 2 == 0
    table = pa.table({"x": x, "w": np.where(heavy, 50.0, 1.0), "y": np.where(heavy, x, -x)})
    fitted = fit(table, Task(target="y", weight_column="w", objective="r2"), FEW)
    values = fitted.predictor.predict_rows([["1.5"], ["-1.5"]]).values
    assert values is not None
    assert values[0] > 0.8
    assert values[1] < -0.8
    assert fitted.candidates[0].objective.value > 0.8


def test_threshold_is_tuned_for_f1_and_kept_in_the_model() -> None:
    random = np.random.default_rng(10)
    x = random.normal(size=1500)
    label = np.where(random.random(1500) < 1 / (1 + np.exp(3.2 - 1.2 * x)), "yes", "no")
    table = pa.table({"x": x, "label": label})
    tuned = fit(table, Task(target="label", objective="f1"), FEW)
    plain = fit(table, Task(target="label", objective="log_loss"), FEW)
    f1 = {score.metric: score.value for score in plain.candidates[0].scores}["f1"]
    assert tuned.candidates[0].objective.value > f1 + 0.1
    rows = [[str(value)] for value in x]
    prediction = tuned.predictor.predict_rows(rows)
    assert prediction.probabilities is not None
    positive = prediction.probabilities[:, 1]
    called = np.array(prediction.labels) == "yes"
    assert positive[called].min() > positive[~called].max() - 1e-6
    assert positive[called].min() < 0.4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1.0] * 50, "y": ["a", "b"] * 25}, "No column can be learned from: 'x': it is constant"),
        ({"x": [1.0, 2.0] * 2, "y": ["a", "b"] * 2}, "There are 4 rows with a target; at least 10 are needed"),
        ({"x": [1.0, 2.0] * 25, "y": ["a"] * 50}, "one class only"),
        ({"x": [1.0, 2.0] * 25}, "Target attribute name y does not exist in header"),
    ],
)
def test_data_that_teaches_nothing(columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit(pa.table(columns), "y", FEW)


def test_objective_of_another_problem(regression: pa.Table) -> None:
    with pytest.raises(TaskError, match="'accuracy' does not fit a regression problem"):
        fit(regression, Task(target="y", objective="accuracy"), FEW)


def test_what_is_no_table() -> None:
    with pytest.raises(DataError, match="Cannot read a int as a table"):
        fit(3, "y", FEW)


@pytest.mark.parametrize("name", ["max_runtime_seconds", "max_candidates", "cores"])
def test_budget_of_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above 0, not 0"):
        Budget(**{name: 0})  # type: ignore[arg-type]  # the names are of numbers
