"""What a job's records become for the engine."""

from __future__ import annotations

import pytest

from gyropilot.engine.errors import TaskError
from gyropilot.engine.task import ColumnKind
from gyropilot.service.feature_specification import FeatureSpecification
from gyropilot.service.records import Problem
from gyropilot.worker.train import make_task

PROBLEM = Problem(data_uri="s3://data/train/", target="y", output_uri="s3://data/out")


def test_features_and_their_kinds() -> None:
    task = make_task(PROBLEM, FeatureSpecification(names=("a", "b"), types={"b": "categorical"}))
    assert task.features == ("a", "b")
    assert task.column_kinds == {"b": ColumnKind.CATEGORICAL}


def test_a_kind_that_the_engine_does_not_know() -> None:
    with pytest.raises(TaskError, match=r"The type 'spectrum' of column 'b' is not supported yet\. Supported: num"):
        make_task(PROBLEM, FeatureSpecification(types={"b": "spectrum"}))
