"""Check rows: real ones and altered ones, which nobody learns from."""

from __future__ import annotations

import numpy as np

from gyropilot.engine.contracts import TrainingData
from gyropilot.engine.features.quantiser import fit_borders, quantise
from gyropilot.engine.problems.tabular.check_rows import ALTERED_ROWS, REAL_ROWS, add_check_rows
from gyropilot.engine.task import ProblemType


def make_data(rows: int) -> TrainingData:
    random = np.random.default_rng(0)
    features = np.column_stack([random.normal(size=rows), random.integers(0, 3, size=rows)]).astype(np.float32)
    borders = fit_borders(features)
    return TrainingData(
        problem_type=ProblemType.REGRESSION,
        class_count=0,
        features=features,
        codes=quantise(features, borders),
        borders=borders,
        levels=(0, 3),
        target=random.normal(size=rows),
        weights=np.ones(rows),
        folds=(np.arange(rows) % 5).astype(np.uint8),
    )


def test_altered_rows_follow_the_table_and_belong_to_no_fold() -> None:
    data = make_data(1000)
    extended, rows = add_check_rows(data, seed=3)
    assert len(rows) == REAL_ROWS + ALTERED_ROWS
    assert len(set(rows)) == len(rows)
    np.testing.assert_array_equal(extended.features[:1000], data.features)
    np.testing.assert_array_equal(extended.codes, quantise(extended.features, list(data.borders)))
    altered = extended.features[1000:]
    assert len(altered) == ALTERED_ROWS
    assert np.isnan(altered).mean(axis=0).min() > 0.1
    assert 0.05 < (altered[:, 1] == -1).mean() < 0.2
    assert not np.isin(altered[:, 0], -1).any()
    assert np.isin(altered[~np.isnan(altered[:, 0]), 0], data.features[:, 0]).all()
    assert extended.target is data.target
    assert max(extended.training_rows(0).max(), extended.validation_rows(0).max()) < 1000


def test_short_tables_have_fewer_real_rows() -> None:
    extended, rows = add_check_rows(make_data(20), seed=3)
    assert rows == tuple(range(20 + ALTERED_ROWS))
    assert len(extended.features) == 20 + ALTERED_ROWS
