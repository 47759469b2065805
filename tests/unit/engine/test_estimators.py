"""The estimators pass scikit-learn's own checks, but for those that say why not."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gyropilot.engine import GyropilotClassifier, GyropilotRegressor
from gyropilot.engine.errors import DataError, TaskError
from tests.architecture.repository import ROOT, table_names
from tests.unit.engine.test_model import make_frame

SMALL: dict[str, Any] = {"algorithms": ("linear-learner",), "max_candidates": 1, "in_process": True, "random_state": 0}

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "Rows are dealt out to the folds of the cross-validation whatever their weight is: a row that is repeated, or "
        "left out, deals the others out anew."
    ),
}


@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn has no types
    [GyropilotClassifier(**SMALL), GyropilotRegressor(**SMALL)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_expected_failures_are_documented() -> None:
    assert {*EXPECTED_FAILURES} <= {*table_names(ROOT / "docs" / "python.md")}


def test_frames_keep_their_kinds_of_columns() -> None:
    frame = make_frame()
    features, labels = frame.drop(columns="label"), frame["label"].map({0: "no", 1: "yes"})
    classifier = GyropilotClassifier(**SMALL).fit(features, labels)
    kinds = [type(each).__name__ for each in classifier.model_.manifest.encoder.encoders]
    assert kinds.count("NumericEncoder") == 3
    assert kinds.count("CategoricalEncoder") == 2
    assert kinds.count("DatetimeEncoder") == 1
    assert classifier.feature_names_in_.tolist() == list(features.columns)
    assert classifier.classes_.tolist() == ["no", "yes"]
    given = classifier.predict(features)
    assert isinstance(given, np.ndarray)
    assert (given == labels).mean() > 0.85
    assert classifier.score(features, labels) == (given == labels).mean()
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(features[features.columns[::-1]])


def test_polars_frames_are_taken() -> None:
    polars = pytest.importorskip("polars")
    frame = make_frame().drop(columns="mixed")
    features = polars.from_pandas(frame.drop(columns="label"))
    classifier = GyropilotClassifier(**SMALL).fit(features, frame["label"])
    assert classifier.feature_names_in_.tolist() == features.columns
    assert (classifier.predict(features) == frame["label"]).mean() > 0.85


def test_tools_of_scikit_learn_drive_the_estimators() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 3))
    y = rows[:, 0] - 2 * rows[:, 1] + random.normal(size=120) / 10
    pipeline = make_pipeline(StandardScaler(), GyropilotRegressor(**SMALL))
    assert cross_val_score(pipeline, rows, y, cv=3).min() > 0.9
    search = GridSearchCV(
        GyropilotClassifier(**SMALL), {"objective": ["accuracy", "log_loss"]}, cv=2, scoring="roc_auc"
    ).fit(rows, y > 0)
    assert search.best_score_ > 0.95
    assert search.best_estimator_.classes_.tolist() == [False, True]


def test_a_copy_has_the_parameters_and_nothing_learned() -> None:
    rows = np.arange(40.0).reshape(-1, 1)
    fitted = GyropilotRegressor(**SMALL).fit(rows, rows[:, 0])
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "model_")


def test_what_is_pickled_is_the_archive_of_the_model() -> None:
    rows = np.arange(40.0).reshape(-1, 1)
    fitted = GyropilotRegressor(**SMALL).fit(rows, rows[:, 0])
    content = pickle.dumps(fitted)
    assert b"onnxruntime" not in content
    np.testing.assert_array_equal(pickle.loads(content).predict(rows), fitted.predict(rows))


def test_random_state_decides() -> None:
    random = np.random.default_rng(0)
    rows, y = random.normal(size=(60, 2)), random.normal(size=60)
    one, same, other = (
        GyropilotRegressor(**{**SMALL, "random_state": state}).fit(rows, y).predict(rows)
        for state in (1, np.random.RandomState(1), 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_what_cannot_be_learned_is_a_value_error(capsys: pytest.CaptureFixture[str]) -> None:
    rows, y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2
    classifier = GyropilotClassifier(**SMALL)
    with pytest.raises(DataError, match="No column can be learned from: 'x0': it is constant"):
        classifier.fit(np.ones((40, 1)), y)
    with pytest.raises(ValueError, match="one class only among the rows that count"):
        classifier.fit(rows, y, sample_weight=y)
    with pytest.raises(ValueError, match="n_samples=9; at least 10 rows are needed"):
        classifier.fit(rows[:9], y[:9])
    with pytest.raises(DataError, match="Column 'x0' holds a dict"):
        classifier.fit(np.array([{"a": 1}, *range(39)], dtype=object).reshape(-1, 1), y)
    with pytest.raises(TaskError, match="There is no algorithm 'magic'"):
        GyropilotClassifier(algorithms=("magic",)).fit(rows, y)
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_line_for_each_candidate(capsys: pytest.CaptureFixture[str]) -> None:
    rows = pd.DataFrame({"target": np.arange(40.0)})
    GyropilotRegressor(**SMALL, verbose=True).fit(rows, rows["target"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "40 rows, 1 columns: regression, ranked by mse"
    (line,) = [line for line in lines if line.startswith("c01 linear-learner: mse ")]
    assert line.endswith(", the best so far")
    assert lines[-1] == "1 candidates; the best: c01 linear-learner"
