from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from gyropilot.api.documents.candidates import describe_candidate
from gyropilot.api.documents.metrics import AWS_NAMES, STANDARD_ONLY, describe_metric, describe_objective
from gyropilot.api.documents.problem_types import PROBLEM_TYPES
from gyropilot.api.models import load_service
from gyropilot.service.records import Candidate, Metric
from tests.unit.service.house import IDENTITY


def test_metric_names_are_aws_s() -> None:
    model = load_service("sagemaker")
    base = set(model.shape_for("AutoMLMetricEnum").enum)  # type: ignore[attr-defined]  # a string shape
    extended = set(model.shape_for("AutoMLMetricExtendedEnum").enum)  # type: ignore[attr-defined]  # a string shape
    assert set(AWS_NAMES.values()) <= extended
    assert set(AWS_NAMES.values()) - base == STANDARD_ONLY - {"InferenceLatency"}
    assert {name for kind in PROBLEM_TYPES for name in kind.objectives} <= base & set(AWS_NAMES.values())


def test_what_has_no_name_or_is_no_number_is_not_shown() -> None:
    assert describe_metric(Metric(name="unheard_of", value=1.0, higher_is_better=True)) is None
    assert describe_metric(Metric(name="mse", value=math.nan, higher_is_better=False)) is None
    assert describe_objective(Metric(name="log_loss", value=0.1, higher_is_better=False)) is None


def test_directions() -> None:
    described = describe_objective(Metric(name="rmse", value=2.0, higher_is_better=False))
    assert described == {"Type": "Minimize", "MetricName": "RMSE", "StandardMetricName": "RMSE", "Value": 2.0}


def test_locations_of_reports_need_an_explanation() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    candidate = Candidate(
        name="c", algorithm="lightgbm", created_at=now, modified_at=now, insights_url="s3://b/insights"
    )
    assert "CandidateProperties" not in describe_candidate(candidate, IDENTITY)
    explained = replace(candidate, explainability_url="s3://b/explained")
    assert describe_candidate(explained, IDENTITY)["CandidateProperties"] == {
        "CandidateArtifactLocations": {"Explainability": "s3://b/explained", "ModelInsights": "s3://b/insights"}
    }
