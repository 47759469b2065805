"""What every algorithm of the catalogue promises, as tests: subclass the suite and give it the algorithm."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from gyropilot.engine.algorithms.losses import to_predictions
from gyropilot.engine.bundle.graph import Member, build_graph
from gyropilot.engine.contracts import HOLDOUT, Algorithm, Fit, TrainingData
from gyropilot.engine.data.folds import assign_folds
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.metrics.catalogue import surrogate
from gyropilot.engine.task import ProblemType

ROWS, FOLDS = 240, 4
STEPS = 12


def make_data(problem_type: ProblemType, *, seed: int = 0) -> TrainingData:
    """Return a small table of amounts, some missing, a constant and categories, and an answer that follows them."""
    random = np.random.default_rng(seed)
    amounts = random.normal(size=(ROWS, 3)).astype(np.float32)
    categories = random.integers(0, 4, size=(ROWS, 1)).astype(np.float32)
    signal = amounts[:, 0] - 0.5 * amounts[:, 1] ** 2 + (categories[:, 0] == 2)
    amounts[random.random(ROWS) < 0.2, 2] = np.nan
    constant = np.ones((ROWS, 1), dtype=np.float32)
    features = np.concatenate([amounts, constant, categories], axis=1)
    target, classes = _answers(problem_type, signal.astype(np.float64))
    borders = fit_borders(features)
    return TrainingData(
        problem_type=problem_type,
        class_count=classes,
        features=features,
        codes=quantise(features, borders),
        borders=borders,
        levels=(0, 0, 0, 0, 4),
        target=target,
        weights=np.ones(ROWS),
        folds=assign_folds(target, problem_type, FOLDS, seed),
    )


class AlgorithmSuite:
    """The obligations of `gyropilot.engine.contracts.Algorithm`."""

    @pytest.fixture
    def algorithm(self) -> Algorithm:
        """Return the algorithm; overridden by the subclass."""
        raise NotImplementedError

    @pytest.fixture(params=list(ProblemType))
    def data(self, request: pytest.FixtureRequest, algorithm: Algorithm) -> TrainingData:
        """Return a table of each problem type that the algorithm can learn."""
        assert request.param in algorithm.abilities.problem_types
        return make_data(request.param)

    def begin(self, algorithm: Algorithm, data: TrainingData, *, seed: int = 1) -> Fit:
        """Begin a fit of the first configuration on fold 0."""
        first = algorithm.configurations(data.problem_type, ROWS)[0]
        return algorithm.begin(data, 0, first.parameters, seed)

    def test_configurations_are_plain_and_different(self, algorithm: Algorithm, data: TrainingData) -> None:
        """Parameters can be stored, and none is tried twice."""
        found = [entry.parameters for entry in algorithm.configurations(data.problem_type, ROWS)]
        assert found
        assert [msgspec.json.decode(msgspec.json.encode(parameters)) for parameters in found] == found
        assert len({msgspec.json.encode(parameters) for parameters in found}) == len(found)

    def test_every_configuration_learns(self, algorithm: Algorithm, data: TrainingData) -> None:
        """A few steps predict unseen rows better than a constant does."""
        rows = data.validation_rows(0)
        loss = surrogate(data.problem_type).function
        for entry in algorithm.configurations(data.problem_type, ROWS):
            fit = algorithm.begin(data, 0, entry.parameters, 1)
            learned = min(fit.advance(STEPS * 10, 60).losses)
            constant = loss(data.target[rows], _constant(data), data.weights[rows])
            assert learned < constant * 0.95, entry.parameters

    def test_steps_are_counted(self, algorithm: Algorithm, data: TrainingData) -> None:
        """At least one step and at most as many as were asked for are made, also without time."""
        fit = self.begin(algorithm, data)
        assert 1 <= len(fit.advance(3, 60).losses) <= 3
        assert len(fit.advance(3, 0).losses) == 1

    def test_losses_are_those_of_the_validation_rows(self, algorithm: Algorithm, data: TrainingData) -> None:
        """The reported loss of a step is that of the predictions after it."""
        fit = self.begin(algorithm, data)
        losses = fit.advance(4, 60).losses
        rows = data.validation_rows(0)
        for step, loss in enumerate(losses, start=1):
            predictions = to_predictions(fit.predict(step), data.problem_type, algorithm.abilities.link)
            again = surrogate(data.problem_type).function(data.target[rows], predictions, data.weights[rows])
            assert loss == pytest.approx(again, rel=1e-4)

    def test_earlier_steps_stay(self, algorithm: Algorithm, data: TrainingData) -> None:
        """Training on does not change what was predicted after a step."""
        fit = self.begin(algorithm, data)
        fit.advance(2, 60)
        before = fit.predict(2)
        fit.advance(3, 60)
        np.testing.assert_array_equal(fit.predict(2), before)

    def test_equal_seeds_give_equal_models(self, algorithm: Algorithm, data: TrainingData) -> None:
        """The same data, parameters and seed give the same model, whatever was trained before."""
        first, second = self.begin(algorithm, data), self.begin(algorithm, replace(data, cache={}))
        first.advance(STEPS, 60)
        steps = len(second.advance(STEPS, 60).losses)
        np.testing.assert_array_equal(first.predict(steps), second.predict(steps))

    def test_fits_of_one_lane_do_not_disturb_each_other(self, algorithm: Algorithm, data: TrainingData) -> None:
        """A model is the same, whether another one was trained in between its steps or not."""
        for entry in algorithm.configurations(data.problem_type, ROWS):
            alone, mixed = (algorithm.begin(data, 0, entry.parameters, 1) for _ in range(2))
            other = algorithm.begin(data, 1, entry.parameters, 1)
            steps = len(alone.advance(STEPS, 60).losses)
            for _ in range(steps):
                mixed.advance(1, 60)
                other.advance(1, 60)
            np.testing.assert_array_equal(alone.predict(steps), mixed.predict(steps))

    def test_validation_rows_teach_nothing(self, algorithm: Algorithm, data: TrainingData) -> None:
        """A model does not change when the answers of its validation rows do."""
        target = data.target.copy()
        rows = data.validation_rows(0)
        target[rows] = target[rows][::-1]
        honest, shuffled = self.begin(algorithm, data), self.begin(algorithm, replace(data, target=target, cache={}))
        steps = len(honest.advance(3, 60).losses)
        shuffled.advance(3, 60)
        np.testing.assert_array_equal(honest.predict(steps), shuffled.predict(steps))

    def test_rows_without_weight_teach_nothing(self, algorithm: Algorithm, data: TrainingData) -> None:
        """The answers of rows that count nothing do not change a model; those of rows that count do."""
        rows = data.training_rows(0)[::3]
        weights, target = data.weights.copy(), data.target.copy()
        weights[rows] = 0
        target[rows] = target[rows][::-1]
        whole = self.begin(algorithm, data)
        steps = len(whole.advance(3, 60).losses)
        fits = [
            self.begin(algorithm, replace(data, target=answers, weights=weights, cache={}))
            for answers in (data.target, target)
        ]
        for fit in fits:
            fit.advance(3, 60)
        without, shuffled = (fit.predict(steps) for fit in fits)
        np.testing.assert_allclose(without, shuffled, rtol=1e-6)
        assert np.abs(whole.predict(steps) - without).max() > 1e-3

    def test_losses_are_weighted(self, algorithm: Algorithm, data: TrainingData) -> None:
        """Validation rows count in the reported losses as much as their weights say."""
        weights = np.random.default_rng(2).exponential(size=ROWS)
        fit = self.begin(algorithm, replace(data, weights=weights, cache={}))
        losses = fit.advance(2, 60).losses
        rows = data.validation_rows(0)
        predictions = to_predictions(fit.predict(1), data.problem_type, algorithm.abilities.link)
        again = surrogate(data.problem_type).function(data.target[rows], predictions, weights[rows])
        assert losses[0] == pytest.approx(again, rel=1e-4)

    def test_held_out_rows_teach_nothing(self, algorithm: Algorithm, data: TrainingData) -> None:
        """Rows of no fold can hold any answers and stay unseen."""
        folds, target = data.folds.copy(), data.target.copy()
        folds[::4] = HOLDOUT
        target[::4] = target[::4][::-1]
        fits = [
            self.begin(algorithm, replace(data, target=answers, folds=folds, cache={}))
            for answers in (data.target, target)
        ]
        steps = [len(fit.advance(3, 60).losses) for fit in fits]
        np.testing.assert_array_equal(fits[0].predict(steps[0]), fits[1].predict(steps[1]))
        assert len(fits[0].score_rows(np.flatnonzero(folds == HOLDOUT), 1)) == ROWS // 4

    def test_rows_without_an_answer_teach_nothing(self, algorithm: Algorithm, data: TrainingData) -> None:
        """Rows that follow the table are only there to be scored."""
        features = np.concatenate([data.features, np.full((7, data.features.shape[1]), np.nan, dtype=np.float32)])
        codes = quantise(features, list(data.borders))
        fits = [
            self.begin(algorithm, each)
            for each in (replace(data, cache={}), replace(data, features=features, codes=codes, cache={}))
        ]
        steps = [len(fit.advance(3, 60).losses) for fit in fits]
        np.testing.assert_array_equal(fits[0].predict(steps[0]), fits[1].predict(steps[1]))
        assert len(fits[1].score_rows(np.arange(ROWS, ROWS + 7), 1)) == 7

    def test_classes_that_no_training_row_has_are_improbable(self, algorithm: Algorithm) -> None:
        """A class that occurs in one fold alone is no obstacle to a fit outside it; nor does it appear from nowhere."""
        data = make_data(ProblemType.MULTICLASS)
        target = data.target.copy()
        target[data.training_rows(0)] = np.minimum(target[data.training_rows(0)], data.class_count - 2)
        fit = self.begin(algorithm, replace(data, target=target, cache={}))
        steps = len(fit.advance(STEPS, 60).losses)
        predictions = to_predictions(fit.predict(steps), data.problem_type, algorithm.abilities.link)
        assert predictions.shape[1] == data.class_count
        assert predictions[:, -1].max() < 1 / data.class_count

    def test_part_repeats_the_library(self, algorithm: Algorithm, data: TrainingData) -> None:
        """The exported model gives the library's scores, also for missing numbers and categories never seen."""
        features = data.features.copy()
        features[:20] = np.nan
        features[20:40, 4] = -1
        features = np.concatenate([features, features[40:80]])  # rows without an answer, after the table's own
        features[ROWS::2] = np.nan
        features[ROWS + 1 :: 2, 4] = -1
        data = replace(data, features=features, codes=quantise(features, list(data.borders)), cache={})
        fit = self.begin(algorithm, data)
        steps = len(fit.advance(STEPS, 60).losses)
        link = algorithm.abilities.link
        rows = np.arange(len(features))
        expected = to_predictions(fit.score_rows(rows, steps), data.problem_type, link).reshape(len(rows), -1)
        member = Member(parts=[fit.part(steps)], weight=1.0, link=link)
        graph = build_graph([member], data.problem_type, features.shape[1])
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        given = session.run(None, {"features": features})[0]
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


def _answers(problem_type: ProblemType, signal: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    if problem_type is ProblemType.REGRESSION:
        return signal * 10 + 100, 0
    if problem_type is ProblemType.BINARY:
        return (signal > np.median(signal)).astype(np.float64), 2
    cuts = np.quantile(signal, [1 / 3, 2 / 3])
    return np.searchsorted(cuts, signal).astype(np.float64), 3


def _constant(data: TrainingData) -> NDArray[np.float64]:
    rows = len(data.validation_rows(0))
    if data.problem_type is ProblemType.REGRESSION:
        return np.full(rows, data.target.mean())
    shares = np.bincount(data.target.astype(np.int64)) / len(data.target)
    return np.tile(shares, (rows, 1))
