from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from gyropilot.cli.create_job import JobPlan, make_request, name_job
from gyropilot.cli.tables import recognise_tables

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")


@pytest.mark.parametrize(
    "path", ["churn.csv", "Bank Marketing (2014).csv.gz", "--.csv", "x" * 99 + ".csv", "ünïcode.csv", ".csv"]
)
def test_a_job_is_named_after_its_file(path: str) -> None:
    name = name_job(Path(path))
    assert NAME.fullmatch(name)
    assert len(name) <= 32


@pytest.mark.parametrize("is_full", [True, False])
def test_botocore_accepts_the_request(is_full: bool) -> None:
    tables = recognise_tables([Path("a.csv.gz")])
    plan = JobPlan(name="churn", tables=tables, target="y", max_runtime_seconds=60)
    if is_full:
        plan = JobPlan(
            name="churn",
            tables=tables,
            target="y",
            max_runtime_seconds=60,
            max_candidates=3,
            algorithms=("lightgbm", "xgboost"),
            goal={"ProblemType": "Regression", "AutoMLJobObjective": {"MetricName": "MAE"}},
        )
    request = make_request(plan, "bucket", "data/", "arn:aws:iam::000000000000:role/GyropilotExecutionRole")
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateAutoMLJob").input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert ("MaxCandidates" in request["AutoMLJobConfig"]["CompletionCriteria"]) is is_full
