"""Whole runs of hyperparameter tuning."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pytest

from gyropilot.engine import Budget, Mode, Pipeline, Range, Task, Trial, Tuning, fit, load, recommend, run
from gyropilot.engine.bundle.archive import pack
from gyropilot.engine.bundle.load import StagedPredictor
from gyropilot.engine.bundle.splitting import join_stages, split_bundle
from gyropilot.engine.bundle.stages import open_stages
from gyropilot.engine.data import folds
from gyropilot.engine.data.source import find_source
from gyropilot.engine.data.store import read_training_data
from gyropilot.engine.errors import BudgetSpentError, BundleError, RequestError, TaskError
from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateStarted,
    CandidateStopped,
    Event,
    Found,
    PipelinePrepared,
    PipelinesChosen,
    RunFinished,
)
from gyropilot.engine.problems.tabular.prepare import prepare
from gyropilot.engine.problems.tabular.recipe_tables import RecipeTables
from gyropilot.engine.problems.tabular.recommendation import choose
from gyropilot.engine.problems.tabular.run import loss_of
from gyropilot.engine.runs import LARGE_BYTES, decide_mode, repeat
from gyropilot.engine.search import halving
from tests.architecture.repository import ROOT

QUICK = ("xgboost", "linear-learner")
TUNE = Mode.HYPERPARAMETER_TUNING
SHALLOW = {"xgboost": {"max_depth": Range(low=2, high=3, is_whole=True), "eta": Range(low=0.2, high=0.6)}}
QUICKLY = Task(target="y", mode=TUNE, algorithms=QUICK, tuning=Tuning(ranges=SHALLOW), seed=3)


def example(name: str, rows: int) -> pa.Table:
    table = pv.read_csv(ROOT / "examples" / "data" / name)
    return table.take(np.random.default_rng(0).permutation(table.num_rows)[:rows])


def budget(trials: int) -> Budget:
    return Budget(max_candidates=trials, cores=2, in_process=True)


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def tune(table: Any, task: Task, trials: int, **more: Any) -> list[Event]:
    events: list[Event] = []
    fit(table, task, budget(trials), on_event=events.append, **more)
    return events


@pytest.fixture(scope="module")
def regression() -> pa.Table:
    random = np.random.default_rng(0)
    x, z = random.normal(size=300), random.normal(size=300)
    return pa.table({"x": x, "z": z, "y": 3 * x + 2 * x * z + 0.1 * random.normal(size=300)})


@pytest.mark.parametrize(
    ("file", "target", "objective", "least"),
    [
        ("adult.csv", "income", "auc", 0.8),
        ("covtype.csv", "Cover_Type", "accuracy", 0.55),
        ("diamonds.csv", "price", "r2", 0.8),
    ],
)
def test_a_real_table_is_tuned(file: str, target: str, objective: str, least: float, tmp_path: Path) -> None:
    table = example(file, 500)
    task = Task(target=target, mode=TUNE, objective=objective, algorithms=QUICK, tuning=Tuning(ranges=SHALLOW))
    events = tune(table, task, 8, folder=tmp_path / "run")
    (chosen,) = of(PipelinesChosen, events)
    pipelines = {pipeline.name: pipeline for pipeline in chosen.recommendation.pipelines}
    finished = of(CandidateFinished, events)
    assert len(finished) + len(of(CandidateStopped, events)) == 8
    prepared = {each.pipeline.name: each for each in of(PipelinePrepared, events)}
    assert prepared.keys() >= {each.result.pipeline for each in finished}
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.reason == "max_candidates"
    assert last.best.objective.value > least
    for result in last.candidates:
        assert pipelines[result.pipeline].recipe == result.recipe
        assert pipelines[result.pipeline].algorithm == result.algorithm
        assert len(result.part_scores) == len(result.part_losses) == 5
        assert {score.metric for score in result.part_scores[0]} == {score.metric for score in result.scores}
    model = load(last.best.folder)
    assert (model.manifest.pipeline, model.manifest.recipe) == (last.best.pipeline, last.best.recipe)
    assert not (tmp_path / "run" / "again").exists()
    check_stages(last.best.folder, table, tmp_path)
    for name in ("features.json", "labels.json"):
        shared, own = prepared[last.best.pipeline].folder / name, tmp_path / "stages" / "processor" / name
        assert shared.exists() == own.exists()
        assert not own.exists() or shared.read_bytes() == own.read_bytes()


def check_stages(bundle: Path, table: pa.Table, folder: Path) -> None:
    """Run one after the other, over archives and text, the stages answer what the fused model answers."""
    predictor = load(bundle).predictor
    columns = table.select(list(predictor.feature_names)).slice(0, 40)
    rows: list[Any] = [*zip(*(column.to_pylist() for column in columns.columns), strict=True)]
    rows += [[None] * len(rows[0]), ["never seen"] * len(rows[0])]
    fused = predictor.predict_rows(rows)
    archives = []
    for place in split_bundle(bundle, folder / "stages"):
        archives.append(folder / f"{place.name}.tar.gz")
        pack(place, archives[-1])
    around, within = (open_stages(path) for path in archives)
    join_stages(archives[0], archives[1], folder / "joined")
    for name in ("manifest.json", "predictor.onnx"):
        assert (folder / "joined" / name).read_bytes() == (bundle / name).read_bytes()
    features, algorithm, labels = around.features, within.algorithm, around.labels
    assert features is not None
    assert algorithm is not None
    assert (around.algorithm, within.features, within.labels) == (None, None, None)
    again = StagedPredictor(features, algorithm, labels).predict_rows(rows)
    assert again.labels == fused.labels
    numbers = features.encode(rows)
    sent = "\n".join(",".join(str(number) for number in row) for row in numbers)
    received = np.array([[float(cell) for cell in line.split(",")] for line in sent.split("\n")], dtype=np.float32)
    assert algorithm.width == received.shape[1]
    predictions = algorithm.run(received)
    if fused.values is not None:
        assert labels is None
        assert algorithm.class_numbers == ()
        np.testing.assert_array_equal(predictions[:, 0], fused.values)
    else:
        assert labels is not None
        assert algorithm.class_numbers == tuple(map(str, range(len(labels.classes))))
        np.testing.assert_array_equal(predictions, fused.probabilities)
        assert labels.name_classes(algorithm.choose_classes(predictions)) == fused.labels
        with pytest.raises(RequestError, match=r"There is no class 99; there are 0 to"):
            labels.name_classes(np.array([0, 99]))
    with pytest.raises(RequestError, match="Expected number of columns is"):
        features.encode([[1.0] * (len(rows[0]) + 3)])


def test_what_is_no_stage_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no stage of a model"):
        open_stages(tmp_path)
    (tmp_path / "labels.json").write_text("{}")
    with pytest.raises(BundleError, match=r"labels\.json cannot be read"):
        open_stages(tmp_path)


def test_poor_trials_are_stopped_and_have_no_model(regression: pa.Table, tmp_path: Path) -> None:
    events = tune(regression, QUICKLY, 16, folder=tmp_path / "run")
    stopped = of(CandidateStopped, events)
    assert len(stopped) >= 3
    finished = {event.result.id for event in of(CandidateFinished, events)}
    assert sorted([*finished, *(event.id for event in stopped)]) == [f"c{number:03d}" for number in range(1, 17)]
    assert all(event.loss.metric == "mse" and "best third" in event.reason for event in stopped)
    assert {path.parent.name for path in (tmp_path / "run").glob("candidates/*/bundle")} == finished
    assert {event.id for event in of(CandidateStarted, events)} == finished | {event.id for event in stopped}


def test_equal_runs_give_equal_trials(regression: pa.Table) -> None:
    first, second = (tune(regression, QUICKLY, 8) for _ in range(2))
    assert [(e.id, e.parameters) for e in of(CandidateStarted, first)] == [
        (e.id, e.parameters) for e in of(CandidateStarted, second)
    ]
    one, other = of(RunFinished, first)[0], of(RunFinished, second)[0]
    assert [(e.id, e.objective) for e in one.candidates] == [(e.id, e.objective) for e in other.candidates]
    assert one.expected == other.expected


def test_a_killed_run_goes_on_as_if_nothing_had_been(regression: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    pv.write_csv(regression, path)
    task, limits = QUICKLY, Budget(max_candidates=8, cores=2)
    events = run([path], task, limits, folder=tmp_path / "run")
    seen = []
    for event in events:
        seen += [event] if isinstance(event, CandidateFinished | CandidateStopped) else []
        if len(seen) == 5:
            break
    events.close()  # type: ignore[attr-defined]  # a generator: closing it ends the lanes as a kill would
    after = list(run([path], task, limits, folder=tmp_path / "run"))
    ended = {event.result.id if isinstance(event, CandidateFinished) else event.id for event in seen}
    assert ended.isdisjoint(event.id for event in of(CandidateStarted, after))
    whole = list(run([path], task, limits, folder=tmp_path / "other"))
    one, other = of(RunFinished, after)[0], of(RunFinished, whole)[0]
    assert {e.id: (e.objective, e.pipeline) for e in one.candidates} == {
        e.id: (e.objective, e.pipeline) for e in other.candidates
    }
    assert one.best.id == other.best.id


def test_one_trial_of_ones_own_is_trained_as_it_is(regression: pa.Table) -> None:
    mine = Pipeline(name="mine", algorithm="xgboost", recipe=("interactions", "robust-impute"))
    trial = Trial(pipeline="mine", parameters={"max_depth": 3, "eta": 0.2})
    task = Task(target="y", mode=TUNE, tuning=Tuning(pipelines=(mine,), first=(trial,)))
    model = fit(regression, task, budget(1))
    (result,) = model.candidates
    assert (result.pipeline, result.recipe) == ("mine", mine.recipe)
    assert result.parameters["max_depth"] == 3
    assert result.parameters["eta"] == 0.2
    assert len(model.manifest.encoder.derivations) > 0


def test_a_candidate_is_trained_again_on_other_data(regression: pa.Table) -> None:
    far = Trial(pipeline="mine", parameters={"eta": 0.7, "max_depth": 12})
    mine = Pipeline(name="mine", algorithm="xgboost", recipe=("robust-impute",))
    task = Task(target="y", mode=TUNE, tuning=Tuning(pipelines=(mine,), first=(far,)))
    (result,) = fit(regression, task, budget(1)).candidates
    assert (result.parameters["eta"], result.parameters["max_depth"]) == (0.7, 12), "what is asked for is not moved"
    other = Task(target="y", mode=TUNE, tuning=repeat(result))
    (again,) = fit(regression.slice(0, 200), other, budget(1)).candidates
    assert (again.pipeline, again.recipe) == (result.pipeline, result.recipe)
    kept = {"eta", "max_depth", "lambda", "subsample", "num_round"}
    assert {name: again.parameters[name] for name in kept} == {name: result.parameters[name] for name in kept}
    ensembled = replace(result, pipeline="")
    with pytest.raises(TaskError, match="is not one of tuning"):
        repeat(ensembled)


def test_a_candidate_trained_again_on_the_same_data_is_the_same(regression: pa.Table) -> None:
    task = Task(target="y", mode=TUNE, algorithms=("xgboost",), tuning=Tuning(ranges=SHALLOW, stops_early=False))
    third = next(each for each in fit(regression, task, budget(3)).candidates if each.id == "c003")
    (again,) = fit(regression, replace(task, tuning=repeat(third)), budget(1)).candidates
    assert again.objective == third.objective
    assert again.parameters == third.parameters


def test_ranges_of_the_user_are_kept_to(regression: pa.Table) -> None:
    task = Task(target="y", mode=TUNE, algorithms=("xgboost",), tuning=Tuning(ranges=SHALLOW))
    started = of(CandidateStarted, tune(regression, task, 8))
    assert {event.parameters["max_depth"] for event in started} <= {2, 3}
    assert all(0.2 <= event.parameters["eta"] <= 0.6 for event in started)


def test_networks_are_tuned(regression: pa.Table) -> None:
    task = Task(target="y", mode=TUNE, objective="r2", algorithms=("mlp",))
    (result,) = fit(regression, task, budget(1)).candidates
    assert result.algorithm == "mlp"
    assert result.objective.value > 0.8


def test_long_tables_are_tuned_on_parts_of_rows_and_rounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folds, "CROSS_VALIDATED_ROWS", 1000)
    monkeypatch.setattr(halving, "FEWEST_ROWS", 100)
    random = np.random.default_rng(5)
    x = random.normal(size=(2000, 3))
    label = np.where(x[:, 0] * x[:, 1] + 0.5 * random.normal(size=2000) > 0, "up", "down")
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": label})
    tuning = Tuning(ranges=SHALLOW)
    task = Task(target="label", mode=TUNE, algorithms=QUICK, tuning=tuning)
    events = tune(table, task, 14, folder=tmp_path / "run")
    assert of(CandidateStopped, events)
    last = of(RunFinished, events)[0]
    assert last.best.objective.value > 0.7
    assert len(last.best.part_scores) == 5
    assert 0.6 < last.expected < 1


def test_held_out_rows_are_scored_and_never_learned_from(regression: pa.Table) -> None:
    scored = regression.set_column(2, "y", pa.array([-value for value in regression.column("y").to_pylist()]))
    task = Task(target="y", mode=TUNE, objective="r2", algorithms=("linear-learner",))
    (against,) = fit(regression, task, budget(1), validation=scored).candidates
    assert against.objective.value < 0
    (fraction,) = fit(regression, Task(**{**vars(task), "validation_fraction": 0.25}), budget(1)).candidates
    assert fraction.objective.value > 0.7


def test_the_best_of_many_is_looked_at_again(regression: pa.Table) -> None:
    events = tune(regression, QUICKLY, 6)
    assert any("two cross-validations" in found.message for found in of(Found, events))
    last = of(RunFinished, events)[0]
    assert last.best == last.candidates[0]
    assert last.expected != last.best.objective.value
    others = [loss_of(result) for result in last.candidates[1:]]
    assert others == sorted(others)
    shown = {event.result.id: event.result for event in of(CandidateFinished, events)}
    assert all(shown[result.id] == result for result in last.candidates), "figures stay those of the search"


def test_with_a_limit_of_time_trials_are_laid_out_to_fit_it(regression: pa.Table, tmp_path: Path) -> None:
    prepared = prepare(find_source(regression), None, QUICKLY, tmp_path)
    data = read_training_data(tmp_path / "data")
    for seconds, low in ((None, 0.01), (0.01, 0.2)):
        limits = Budget(max_runtime_seconds=seconds, cores=2)
        _, tuned = choose(prepared, data, ["xgboost"], replace(QUICKLY, tuning=Tuning()), limits)
        eta = tuned["xgboost"].space["eta"]
        assert isinstance(eta, Range)
        assert eta.low == low


def test_trials_that_take_too_long_are_given_up(regression: pa.Table) -> None:
    limit = Budget(max_candidates=2, max_runtime_per_candidate_seconds=1e-6, cores=2, in_process=True)
    events: list[Event] = []
    with pytest.raises(BudgetSpentError, match="within max_runtime_per_candidate_seconds, 1e-06"):
        fit(regression, QUICKLY, limit, on_event=events.append)
    failed = of(CandidateFailed, events)
    assert [(event.id, event.was_stopped) for event in failed] == [("c001", True), ("c002", True)]


def test_the_mode_is_decided_by_size(regression: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_source(regression)
    assert source.size_bytes() == regression.nbytes
    assert decide_mode(Task(target="y", mode=Mode.AUTO), source).mode is Mode.ENSEMBLING
    assert LARGE_BYTES == 100_000_000
    monkeypatch.setattr("gyropilot.engine.runs.LARGE_BYTES", 1000)
    assert decide_mode(Task(target="y", mode=Mode.AUTO), source).mode is TUNE


def test_pipelines_are_recommended_without_training(regression: pa.Table, tmp_path: Path) -> None:
    found = recommend(regression, Task(target="y", mode=TUNE, algorithms=QUICK))
    assert [pipeline.name for pipeline in found.pipelines] == [f"dpp{number}" for number in range(len(found.pipelines))]
    assert {pipeline.algorithm for pipeline in found.pipelines} == set(QUICK)
    assert set(found.spaces) == set(QUICK)
    assert (found.rows, found.problem_type, found.objective) == (300, "regression", "mse")
    assert (found.classes, found.folds) == ((), 5)


def task_of(algorithm: str = "", recipe: tuple[str, ...] = (), **more: Any) -> Task:
    """A task of tuning, of one pipeline if it has an algorithm."""
    pipelines = (Pipeline(name="mine", algorithm=algorithm, recipe=recipe),) if algorithm else ()
    return Task(target="y", mode=TUNE, algorithms=QUICK, tuning=Tuning(pipelines=pipelines, **more))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task(target="y", mode=TUNE, algorithms=("lightgbm",)), "no algorithm 'lightgbm' in the mode of hyper"),
        (Task(target="y", algorithms=("mlp",)), "no algorithm 'mlp' in the mode of ensembling"),
        (task_of("mlp"), "Pipeline 'mine' has the algorithm 'mlp'; there are linear-learner, xgboost"),
        (task_of("xgboost", ("pca",)), "no step 'pca'"),
        (task_of(first=(Trial(pipeline="dpp99", parameters={}),)), "no pipeline 'dpp99' to begin with"),
        (task_of(first=(Trial(pipeline="dpp1", parameters={"x": 1}),)), "has no parameter 'x'"),
        (task_of(ranges={"xgboost": {"x": Range(low=1, high=2)}}), "has no parameter 'x'"),
    ],
)
def test_what_does_not_fit_is_told(regression: pa.Table, task: Task, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        fit(regression, task, budget(1))


def test_tables_are_made_while_something_else_is_done(regression: pa.Table, tmp_path: Path) -> None:
    prepared = prepare(find_source(regression), None, QUICKLY, tmp_path)
    data = read_training_data(tmp_path / "data")
    pipelines = [
        Pipeline(name="plain", algorithm="xgboost", recipe=()),
        Pipeline(name="scaled", algorithm="linear-learner", recipe=("robust-impute", "robust-scale")),
    ]
    with closing(RecipeTables(prepared, data, tmp_path / "data", pipelines, 0)) as tables:
        tables.begin(pipelines[0])
        plain, scaled = (tables.get(pipeline) for pipeline in pipelines)
    assert (plain.name, scaled.name) == ("recipe0", "recipe1")
    assert plain.data.codes.shape[0] == scaled.data.features.shape[0] == len(data.features)
