"""Networks: their design, their neutral part and its graph at the edges of what tables can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from gyropilot.engine.algorithms.networks import design, epochs
from gyropilot.engine.algorithms.networks.design import Inputs, fit_design
from gyropilot.engine.algorithms.networks.fastai import FastAI
from gyropilot.engine.algorithms.networks.nn_torch import NNTorch
from gyropilot.engine.bundle.graph import Member, build_graph
from gyropilot.engine.contracts import HOLDOUT, Algorithm, Network, TrainingData, read_part, write_part
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import FOLDS, ROWS, make_data

ALGORITHMS: list[Algorithm] = [NNTorch(), FastAI()]


def take_columns(data: TrainingData, columns: list[int]) -> TrainingData:
    features = np.ascontiguousarray(data.features[:, columns])
    borders = fit_borders(features)
    levels = tuple(data.levels[column] for column in columns)
    return replace(data, features=features, codes=quantise(features, borders), borders=borders, levels=levels, cache={})


def train(algorithm: Algorithm, data: TrainingData, fold: int = 0) -> tuple[np.ndarray, Network]:
    parameters = algorithm.configurations(data.problem_type, ROWS)[0].parameters
    fit = algorithm.begin(data, fold, parameters, 1)
    fit.advance(2, 60)
    part = fit.part(2)
    assert isinstance(part, Network)
    return fit.score_rows(np.arange(ROWS), 2), part


def run_graph(parts: list[Network], data: TrainingData) -> np.ndarray:
    graph = build_graph([Member(parts=parts, weight=1.0)], data.problem_type, data.features.shape[1])
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    given: np.ndarray = session.run(None, {"features": data.features})[0]
    return given


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("columns", [[0, 1], [4]], ids=["amounts only", "categories only"])
def test_the_graph_of_all_folds_is_the_mean_of_what_torch_says(algorithm: Algorithm, columns: list[int]) -> None:
    data = take_columns(make_data(ProblemType.REGRESSION), columns)
    scores, parts = zip(*(train(algorithm, data, fold) for fold in range(FOLDS)), strict=True)
    np.testing.assert_allclose(run_graph(list(parts), data), np.mean(scores, axis=0), rtol=1e-5)


def test_a_stored_part_is_the_same(tmp_path: Path) -> None:
    _, part = train(NNTorch(), make_data(ProblemType.MULTICLASS))
    write_part(part, tmp_path / "part.npz")
    again = read_part(tmp_path / "part.npz")
    assert isinstance(again, Network)
    for name, value in vars(part).items():
        np.testing.assert_equal(getattr(again, name), value)


def test_numbers_far_outside_are_bounded() -> None:
    data = make_data(ProblemType.BINARY)
    _, part = train(NNTorch(), data)
    features = data.features.copy()
    features[:4, 0] = [3e38, -3e38, 1e30, -1e30]
    assert np.isfinite(run_graph([part], replace(data, features=features))).all()


def test_levels_without_embedding_count_as_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(design, "MAX_LEVELS", 2)
    data = make_data(ProblemType.BINARY)
    features = data.features.copy()
    features[:4, 4] = [-1, 2, 3, 0]
    entries = fit_design(data, 0).entries(features)[:, 0]
    assert entries[:4].tolist() == [1, 1, 1, 2]


def test_held_out_rows_do_not_shape_the_design() -> None:
    data = make_data(ProblemType.BINARY)
    folds = data.folds.copy()
    folds[::4] = HOLDOUT
    features = data.features.copy()
    features[::4] = 1000
    one, other = (fit_design(replace(data, features=each, folds=folds), 12) for each in (data.features, features))
    for name, value in vars(one).items():
        np.testing.assert_array_equal(getattr(other, name), value)


def test_a_column_that_is_mostly_one_number_has_bins_for_the_rest() -> None:
    data = make_data(ProblemType.BINARY)
    features = data.features.copy()
    features[:, 0] = np.where(np.arange(ROWS) % 20, 0, np.arange(ROWS) * 100)
    made = fit_design(replace(data, features=features), 12)
    assert (made.binned == 0).sum() >= 5
    assert made.scale[0] < features[:, 0].max()


def test_wide_tables_get_few_bins_and_long_ones_no_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_data(ProblemType.BINARY)
    rows = np.array([5, 3, 200])
    whole = Inputs(data, 12).take(rows)
    monkeypatch.setattr(design, "SHARED_BYTES", 0)
    for one, other in zip(Inputs(data, 12).take(rows), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(design, "MAX_BIN_INPUTS", 3)
    assert len(fit_design(data, 12).binned) == 0


def test_a_large_network_trains_fewer_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "MAX_SNAPSHOT_BYTES", 700_000)
    data = make_data(ProblemType.BINARY)
    fit = NNTorch().begin(data, 0, NNTorch().configurations(data.problem_type, ROWS)[0].parameters, 1)
    progress = fit.advance(1000, 60)
    assert progress.is_finished
    assert 1 < len(progress.losses) < 10


def test_long_tables_are_trained_on_samples() -> None:
    for algorithm in ALGORITHMS:
        parameters = algorithm.configurations(ProblemType.BINARY, 10_000_000)[0].parameters
        assert int(parameters["epochs"]) * int(parameters["epoch_rows"]) <= 1_500_000
