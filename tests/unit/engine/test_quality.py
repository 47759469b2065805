"""Figures of quality: against scikit-learn, their uncertainty, and segments that are worse."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from sklearn import metrics

from gyropilot.engine.features.encoders import CategoricalEncoder, NumericEncoder
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.quality.curves import MAX_POINTS, calibrate, draw_binary, draw_residuals
from gyropilot.engine.quality.evidence import Evidence, name_classes
from gyropilot.engine.quality.figures import CONSTANT, open_measure
from gyropilot.engine.quality.report import assess, write_graphs, write_statistics
from gyropilot.engine.quality.resampling import measure_uncertainty
from gyropilot.engine.quality.slices import find_slices
from gyropilot.engine.task import ProblemType

ENCODER = TableEncoder(
    columns=("amount", "colour"),
    encoders=(NumericEncoder(name="amount"), CategoricalEncoder(name="colour", categories=("red", "green", "blue"))),
)
LABELS = ("recall", "precision", "accuracy", "f0_5", "f1", "f2")
BINARY = {
    *(name + end for name in LABELS for end in ("", CONSTANT)),
    *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate", "auc", "au_prc"),
}
MULTICLASS = {
    *(f"weighted_{name}{end}" for name in LABELS if name != "accuracy" for end in ("", CONSTANT)),
    *("accuracy", "accuracy" + CONSTANT),
}


def make_evidence(kind: ProblemType, rows: int = 1000, *, weighted: bool = False, seed: int = 0) -> Evidence:
    random = np.random.default_rng(seed)
    weights = random.uniform(0.5, 2, rows) if weighted else np.ones(rows)
    classes: tuple[str, ...] = ()
    if kind is ProblemType.REGRESSION:
        target = random.normal(100, 20, rows)
        predictions = target + random.normal(0, 5, rows)
        decided = np.empty(0, dtype=np.int64)
    else:
        count = 2 if kind is ProblemType.BINARY else 4
        target = random.choice(count, rows, p=[0.7, 0.3] if count == 2 else [0.4, 0.3, 0.2, 0.1]).astype(np.float64)
        raw = np.exp(random.normal(size=(rows, count)) + 1.5 * np.eye(count)[target.astype(int)])
        predictions = (raw / raw.sum(axis=1, keepdims=True)).round(2)
        decided, classes = predictions.argmax(axis=1), tuple("abcd"[:count])
    return Evidence(
        problem_type=kind, classes=classes, target=target, predictions=predictions, decided=decided, weights=weights
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_of_two_classes_are_those_of_scikit_learn(weighted: bool) -> None:
    evidence = make_evidence(ProblemType.BINARY, weighted=weighted)
    figures = open_measure(evidence)(np.ones(1000))
    target, decided, weights = evidence.target, evidence.decided, evidence.weights
    assert {*figures} >= BINARY
    for name, beta in {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}.items():
        assert figures[name] == pytest.approx(metrics.fbeta_score(target, decided, beta=beta, sample_weight=weights))
    assert figures["recall"] == pytest.approx(metrics.recall_score(target, decided, sample_weight=weights))
    assert figures["precision"] == pytest.approx(metrics.precision_score(target, decided, sample_weight=weights))
    assert figures["auc"] == pytest.approx(metrics.roc_auc_score(target, evidence.scores, sample_weight=weights))
    assert figures["au_prc"] == pytest.approx(
        metrics.average_precision_score(target, evidence.scores, sample_weight=weights)
    )
    assert figures["false_positive_rate"] == pytest.approx(1 - figures["true_negative_rate"])
    assert figures["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(target, decided))
    share = np.average(target == 0, weights=weights)
    assert figures["accuracy" + CONSTANT] == pytest.approx(share)
    assert figures["recall" + CONSTANT] == figures["f1" + CONSTANT] == 0  # it never says yes


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_of_more_classes_are_those_of_scikit_learn(weighted: bool) -> None:
    evidence = make_evidence(ProblemType.MULTICLASS, weighted=weighted)
    figures = open_measure(evidence)(np.ones(1000))
    given = {"average": "weighted", "sample_weight": evidence.weights, "zero_division": 0}
    assert {*figures} >= MULTICLASS
    for end, decided in (("", evidence.decided), (CONSTANT, np.zeros(1000))):
        for name, beta in {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}.items():
            expected = metrics.fbeta_score(evidence.target, decided, beta=beta, **given)
            assert figures[f"weighted_{name}{end}"] == pytest.approx(expected)
        expected = metrics.precision_score(evidence.target, decided, **given)
        assert figures[f"weighted_precision{end}"] == pytest.approx(expected)


def test_intervals_cover_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        decided = (random.random(400) < 0.8).astype(np.int64)
        evidence = Evidence(
            problem_type=ProblemType.BINARY,
            classes=("no", "yes"),
            target=np.ones(400),
            predictions=np.stack([1 - decided, decided], axis=1).astype(np.float64),
            decided=decided,
            weights=np.ones(400),
        )
        figure = measure_uncertainty(evidence, seed)["accuracy"]
        covered += figure.low <= 0.8 <= figure.high
    assert 52 <= covered <= 60


def test_few_rows_have_no_standard_deviation_and_many_are_resampled_by_some() -> None:
    few = make_evidence(ProblemType.REGRESSION, 199)
    many = make_evidence(ProblemType.REGRESSION, 80_000)
    small = measure_uncertainty(few, 0)["mae"]
    large = measure_uncertainty(many, 0)["mae"]
    assert math.isnan(small.standard_deviation)
    assert 0 < large.standard_deviation < 0.1
    assert large.high - large.low == pytest.approx((small.high - small.low) / 20, rel=0.35)


@pytest.mark.parametrize("kind", list(ProblemType))
def test_the_statistics_have_every_member_of_the_schema(kind: ProblemType) -> None:
    evidence = make_evidence(kind, 300)
    base = np.zeros((300, 2), dtype=np.float32)
    quality = assess(evidence, ENCODER, base)
    document = write_statistics(quality, datetime(2024, 5, 6, tzinfo=UTC), 0.25)
    document = msgspec.json.decode(msgspec.json.encode(document))
    assert document["dataset"] == {
        "item_count": 300,
        "start_time": "2024-05-06T00:00:00Z",
        "end_time": "2024-05-06T00:00:00Z",
        "evaluation_time": 0.25,
    }
    member, scalars, others = {
        ProblemType.BINARY: (
            "binary_classification_metrics",
            BINARY,
            {"confusion_matrix", "receiver_operating_characteristic_curve", "precision_recall_curve"},
        ),
        ProblemType.MULTICLASS: ("multiclass_classification_metrics", MULTICLASS, {"confusion_matrix"}),
        ProblemType.REGRESSION: ("regression_metrics", {"mae", "mse", "rmse", "r2"}, set()),
    }[kind]
    assert {*document} == {"version", "dataset", member}
    assert {*document[member]} >= scalars | others
    for name in scalars:
        assert isinstance(document[member][name]["value"], float)
        assert isinstance(document[member][name]["standard_deviation"], float)
        low, high = document[member][name]["confidence_interval_95"]
        assert low <= high
    if kind is not ProblemType.REGRESSION:
        matrix = document[member]["confusion_matrix"]
        assert sum(sum(row.values()) for row in matrix.values()) == 300
    graphs = write_graphs(quality)
    assert {*graphs} == {"version", "error_slices"} | {
        ProblemType.BINARY: {"calibration", "gain_and_lift"},
        ProblemType.MULTICLASS: {"calibration"},
        ProblemType.REGRESSION: {"residuals"},
    }[kind]


def test_curves_are_thinned_and_end_where_they_should() -> None:
    random = np.random.default_rng(0)
    scores = random.random(5000)
    evidence = Evidence(
        problem_type=ProblemType.BINARY,
        classes=("no", "yes"),
        target=(random.random(5000) < scores).astype(np.float64),
        predictions=np.stack([1 - scores, scores], axis=1),
        decided=(scores > 0.5).astype(np.int64),
        weights=np.ones(5000),
    )
    curves = draw_binary(evidence)
    assert len(curves.true_positive_rates) == len(curves.recalls) == MAX_POINTS
    assert (curves.false_positive_rates[0], curves.true_positive_rates[0]) == (0, 0)
    assert (curves.false_positive_rates[-1], curves.true_positive_rates[-1]) == (1, 1)
    assert curves.gains[-1] == curves.lifts[-1] == 1
    assert curves.lifts[0] > 1.7
    calibration = calibrate(evidence)
    assert calibration.expected_error < 0.04
    assert ((calibration.low < calibration.observed) & (calibration.observed < calibration.high)).all()


def test_residuals() -> None:
    residuals = draw_residuals(make_evidence(ProblemType.REGRESSION, 3000), seed=0)
    assert residuals.slope == pytest.approx(0.95, abs=0.03)
    assert residuals.counts.sum() == 3000
    assert residuals.outlier_share == pytest.approx(0.0027, abs=0.003)
    assert np.abs(residuals.quantiles - residuals.normal).max() < 0.35


def test_a_segment_that_is_missed_is_found_and_noise_is_not() -> None:
    random = np.random.default_rng(4)
    found_in_noise = 0
    for _ in range(30):
        base = np.stack([random.normal(size=600), random.integers(0, 3, 600)], axis=1).astype(np.float32)
        evidence = make_evidence(ProblemType.MULTICLASS, 600, seed=int(random.integers(1 << 30)))
        found_in_noise += bool(find_slices(ENCODER, base, evidence)[0])
    assert found_in_noise <= 4
    base[:, 1] = np.where(random.random(600) < 0.2, 2, 0)
    decided = np.where(base[:, 1] == 2, (evidence.target + random.integers(0, 2, 600)) % 4, evidence.target)
    worse = Evidence(**{**evidence.__dict__, "decided": decided.astype(np.int64)})
    slices, tested = find_slices(ENCODER, base, worse)
    assert tested == 6
    assert (slices[0].column, slices[0].segment) == ("colour", "= blue")
    assert slices[0].loss > 0.3
    assert slices[0].other_loss == 0
    assert slices[0].p_value < 1e-6


def test_labels_that_only_the_validation_data_has_are_named() -> None:
    assert name_classes(("a", "b"), 3) == ("a", "b", "(not in the training data: label 1)")
